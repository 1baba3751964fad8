# shellcheck shell=bash disable=SC2034 # run.sh reads at_least
at_least=90

prepare() {
    python_driver asyncpg tests pyproject.toml
    cp "$clients/drivers/asyncpg/running_cluster.py" "$scratch/asyncpg/"
    # The servers that the tests start run as another user.
    mkdir -p -m 1777 "$scratch/tmp"
}

run_tests() {
    # Tests that need a server of their own, set up in their own way, leave themselves out when
    # PGHOST is set. They start that server; all others use the one that running_cluster.py names.
    (
        export SERVER_HOST=$PGHOST SERVER_PORT=$PGPORT PGINSTALLATION=$scratch/bin TMPDIR=$scratch/tmp
        export PYTHONPATH=$scratch/asyncpg ASYNCPG_VERSION PGVERSION
        ASYNCPG_VERSION=$(sed -n 's/^asyncpg==//p' "$clients/drivers/asyncpg/requirements.txt")
        PGVERSION=$("$postgres_bin/postgres" --version | grep -oE '[0-9]+' | head -n 1)
        [[ $1 == direct ]] || export ONLY_SHARED=yes
        unset PGHOST PGPORT PGUSER PGDATABASE
        pytest_driver asyncpg 240 "$2" -p running_cluster tests
    )
}
