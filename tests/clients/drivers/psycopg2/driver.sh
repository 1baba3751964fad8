# shellcheck shell=bash disable=SC2034 # run.sh reads at_least
at_least=90

prepare() { python_driver psycopg2 tests; }

run_tests() {
    PGGSSENCMODE=disable PSYCOPG2_TESTDB=psycopg2_test pytest_driver psycopg2 300 "$2" tests
}
