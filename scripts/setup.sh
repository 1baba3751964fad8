#!/usr/bin/env bash
# Makes sure that what the build and the tests need is on this machine.
#
#   scripts/setup.sh [rust] [postgres] [clients] [tools] [bench]
#
#   rust      cargo, rustfmt, clippy and a C compiler (aws-lc-sys compiles C)
#   postgres  PostgreSQL's server programs: the local cluster is a real PostgreSQL
#   clients   what the suites in tests/clients need besides: Python's venv, a JDK, pgjdbc, HikariCP.
#             (Node.js, if missing or too old, comes with the suites' own Python packages.)
#   tools     what `make test-tools` needs besides: libpq, Ruby with ActiveRecord, Go with pgx 4
#   bench     what `make bench` needs besides: pgbench, PgBouncer, valgrind, strace, openssl
#
# What is there already is left alone, and nothing is printed about it. What is missing is
# installed with apt-get where that is possible (root on Debian and its relatives);
# elsewhere one line says what to install.
set -euo pipefail
scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

have() { command -v "$1" >/dev/null 2>&1; }

die() {
    echo "setup: $*" >&2
    exit 1
}

# install_packages WHAT-FOR PACKAGE...
install_packages() {
    local purpose=$1
    shift
    if ((EUID != 0)) || ! have apt-get; then
        die "$purpose is missing. On Debian or Ubuntu: sudo apt-get install $*"
    fi
    echo "setup: installing $* ($purpose)"
    local log
    log=$(mktemp)
    if ! { DEBIAN_FRONTEND=noninteractive apt-get -qq update &&
        DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$@"; } >"$log" 2>&1; then
        cat "$log" >&2
        rm -f "$log"
        die "apt-get could not install: $*"
    fi
    rm -f "$log"
}

setup_rust() {
    have cargo || die 'cargo is missing: install Rust (https://rustup.rs)'
    have cc || install_packages 'a C compiler' gcc libc6-dev
    local component
    for component in fmt clippy; do
        cargo "$component" --version >/dev/null 2>&1 && continue
        have rustup || die "cargo $component is missing: install Rust's component of that name"
        rustup --quiet component add "${component/#fmt/rustfmt}"
    done
}

setup_postgres() {
    "$scripts/find-postgres.sh" >/dev/null && return
    # Debian's package creates and starts a cluster of its own unless it is told not to.
    local switch=/etc/postgresql-common/createcluster.d/dsql-proxy-setup.conf
    if ((EUID == 0)) && have apt-get; then
        mkdir -p "${switch%/*}"
        echo 'create_main_cluster = false' >"$switch"
        trap 'rm -f /etc/postgresql-common/createcluster.d/dsql-proxy-setup.conf' EXIT
    fi
    install_packages "PostgreSQL's server, version 15 or newer," postgresql
    rm -f "$switch"
    "$scripts/find-postgres.sh" >/dev/null ||
        die 'the PostgreSQL that apt-get offers is older than 15; install a newer one and set PG_BIN to its bin directory'
}

python_has_venv() { python3 -c 'import ensurepip, venv' 2>/dev/null; }
java_compiles() { java --list-modules 2>/dev/null | grep -q '^jdk\.compiler'; }
hikaricp() { [[ -r /usr/share/java/HikariCP.jar && -r /usr/share/java/slf4j-nop.jar ]]; }
pgjdbc() { [[ -r ${PGJDBC_JAR:-/usr/share/java/postgresql.jar} ]]; }

setup_clients() {
    setup_postgres
    python_has_venv || install_packages "Python 3 with venv" python3 python3-venv
    java_compiles || install_packages 'a Java development kit' default-jdk-headless
    have openssl || install_packages 'OpenSSL (for a certificate)' openssl
    pgjdbc || install_packages 'pgjdbc (or set PGJDBC_JAR to its jar)' libpostgresql-jdbc-java
    hikaricp || install_packages 'HikariCP' libhikaricp-java libslf4j-java
}

setup_tools() {
    setup_clients
    have pg_config || install_packages "libpq's headers" libpq-dev
    ruby -e 'require "active_record"; require "pg"' 2>/dev/null ||
        install_packages 'Ruby with ActiveRecord' ruby ruby-activerecord ruby-pg
    { have go && [[ -d /usr/share/gocode/src/github.com/jackc/pgx/v4 ]]; } ||
        install_packages 'Go with pgx 4' golang-go golang-github-jackc-pgx-v4-dev
}

setup_bench() {
    setup_postgres
    have python3 || install_packages 'Python 3' python3
    PATH=$PATH:$("$scripts/find-postgres.sh") have pgbench ||
        install_packages 'pgbench' postgresql
    have valgrind || install_packages 'valgrind' valgrind
    have strace || install_packages 'strace' strace
    have openssl || install_packages 'openssl' openssl
    PATH=$PATH:/usr/sbin have pgbouncer && return
    install_packages 'PgBouncer' pgbouncer
    # Debian's package starts one of its own; the benchmarks start theirs.
    [[ ! -d /run/systemd/system ]] || systemctl disable --now --quiet pgbouncer
}

(($# > 0)) || die 'usage: scripts/setup.sh [rust] [postgres] [clients] [tools] [bench]'
for part in "$@"; do
    case $part in
    rust | postgres | clients | tools | bench) "setup_$part" ;;
    *) die "no such part: $part (there are: rust postgres clients tools bench)" ;;
    esac
done
