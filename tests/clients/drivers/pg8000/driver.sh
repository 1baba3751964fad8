# shellcheck shell=bash disable=SC2034 # run.sh reads at_least
at_least=90

prepare() { python_driver pg8000 test; }

run_tests() {
    # Without test_readme.py, which runs what README.md shows on a server of its own.
    PGPASSWORD=pw pytest_driver pg8000 600 "$2" test --ignore=test/test_readme.py --benchmark-disable
}
