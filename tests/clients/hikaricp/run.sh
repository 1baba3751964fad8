#!/usr/bin/env bash
# HikariCP on pgjdbc, from a Java program in one source file.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../lib/env.sh"

jars=${PGJDBC_JAR:-/usr/share/java/postgresql.jar}:/usr/share/java/HikariCP.jar:/usr/share/java/slf4j-api.jar:/usr/share/java/slf4j-nop.jar
java -cp "$jars" "$clients/hikaricp/Pool.java" || failures=$((failures + 1))
finish
