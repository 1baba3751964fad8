# shellcheck shell=bash disable=SC2034 # run.sh reads at_least
at_least=90

prepare() { python_driver sqlalchemy test setup.cfg pyproject.toml; }

run_tests() {
    pytest_driver sqlalchemy 1800 "$2" test/dialect/postgresql test/dialect/test_suite.py test/engine \
        --dburi "postgresql+asyncpg://$PGUSER@$PGHOST:$PGPORT/sqlalchemy_test"
}
