#!/usr/bin/env bash
# ActiveRecord: migrations and the usual calls, with Debian's Ruby.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../lib/env.sh"

ruby "$clients/activerecord/with_activerecord.rb" || failures=$((failures + 1))
finish
