# shellcheck shell=bash disable=SC2034 # run.sh reads at_least
at_least=90

# Their plugin is read from lib/.
prepare() { python_driver sqlalchemy test lib setup.cfg pyproject.toml; }

run_tests() {
    # With that, test/conftest.py leaves the import of SQLAlchemy itself to the wheel.
    PYTHONNOUSERSITE=1 pytest_driver sqlalchemy 1800 "$2" test/dialect/postgresql test/dialect/test_suite.py test/engine \
        --dburi "postgresql+asyncpg://$PGUSER@$PGHOST:$PGPORT/sqlalchemy_test"
}
