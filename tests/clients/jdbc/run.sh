#!/usr/bin/env bash
# pgjdbc, from a Java program in one source file.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../lib/env.sh"

java -cp "${PGJDBC_JAR:-/usr/share/java/postgresql.jar}" "$clients/jdbc/Pgjdbc.java" || failures=$((failures + 1))
finish
