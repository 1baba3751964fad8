#!/usr/bin/env bash
# The tests that drivers bring along, against a plain PostgreSQL: directly, and through the
# proxy. What passes directly must pass through the proxy. See README.md, "drivers".
#
#   DRIVERS    which ones, or all (default: asyncpg tokio-postgres)
#   POOL_MODE  the proxy's --pool-mode (default: the proxy's own)
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../lib/env.sh"
# shellcheck source=servers.sh
source "$clients/drivers/servers.sh"
postgres_bin=$(dirname "$(readlink -f "${postgres_bin:?PostgreSQL is missing: scripts/setup.sh postgres}/postgres")")
: "${PROXY_BIN:?the program to test}"
for variable in $(compgen -e | grep -E '^(DSQL_|AWS_|PG|DATABASE_URL$)'); do
    unset "$variable"
done

scratch=$(mktemp -d)
finally() {
    stop_servers
    rm -rf "$scratch"
}
trap finally EXIT
chmod 711 "$scratch"
programs "$scratch/bin"

# sources NAME: the source distribution of the pinned version, unpacked in $cache/drivers/NAME.
# Its dependencies and its build are the wheel's matter.
sources() {
    local name=$1 version directory=$cache/drivers/$1
    # The wheel may have another name.
    version=$(sed -nE "s/^$name(-binary)?==//p" "$clients/drivers/$name/requirements.txt")
    [[ -f $directory/$version.complete ]] && return
    rm -rf "$directory"
    mkdir -p "$directory"
    quietly python3 -m pip --disable-pip-version-check download --quiet --no-deps --no-binary "$name" --dest "$directory" "$name==$version"
    tar -xzf "$directory"/*.tar.gz --strip-components=1 -C "$directory"
    touch "$directory/$version.complete"
}

# python_driver NAME FILE...: a Python environment with the driver, and its tests, FILE..., in
# $scratch/NAME: away from its sources, so that the wheel is imported.
python_driver() {
    local name=$1 file
    shift
    sources "$name"
    venv "$cache/drivers/$name-python" "$clients/drivers/$name/requirements.txt"
    rm -rf "${scratch:?}/$name"
    mkdir "$scratch/$name"
    for file in "$@"; do
        [[ ! -e $cache/drivers/$name/$file ]] || cp -R "$cache/drivers/$name/$file" "$scratch/$name/"
    done
    # For servers that run as another user.
    chmod -R go+rX "$scratch/$name"
}

# pytest_driver NAME SECONDS RESULTS ARGUMENT...
pytest_driver() {
    local name=$1 limit=$2 results=$3
    shift 3
    (
        cd "$scratch/$name"
        PYTHONDONTWRITEBYTECODE=1 timeout --kill-after=10 "$limit" "$cache/drivers/$name-python/bin/python" -m pytest -q \
            -p no:cacheprovider --timeout=60 "--junitxml=$results" "$@"
    )
}

# run_driver NAME: sources drivers/NAME/driver.sh, which says how to `prepare` and how to
# `run_tests WAY RESULTS` (PGHOST, PGPORT, PGUSER and PGDATABASE say where).
run_driver() {
    unset -f prepare run_tests
    local name=$1 way results at_least='' fixed_port='' suffix=xml
    driver=$clients/drivers/$name
    # shellcheck source=/dev/null
    source "$driver/driver.sh"
    prepare
    local -A connections=()
    for way in direct proxied; do
        local directory=$scratch/$name-$way begin=$SECONDS server_port port
        results=$logs/$name-$way
        rm -f "$results.$suffix"
        server_port=$(free_port)
        [[ -n $fixed_port && $way == direct ]] && server_port=$fixed_port
        port=$server_port
        start_postgres "$directory" "$way" "$server_port" "$driver"
        if [[ $way == proxied ]]; then
            port=${fixed_port:-$(free_port)}
            start_proxy "$directory" "$port" "$server_port"
        fi
        # A test that fails is the comparison's matter.
        PGHOST=127.0.0.1 PGPORT=$port PGUSER=postgres PGDATABASE=postgres \
            run_tests "$way" "$results.$suffix" >"$results.out" 2>&1 || true
        stop_servers
        connections[$way]=$(grep -c 'connection authorized' "$directory/postgres.log" || true)
        [[ $way == direct ]] || connections[sessions]=$(grep -c 'INFO session ended ' "$directory/proxy.log" || true)
        cp "$directory/postgres.log" "$results-postgres.log"
        [[ $way == direct ]] || cp "$directory/proxy.log" "$results-proxy.log"
        echo "   $name, $way: $((SECONDS - begin)) s"
        if [[ ! -s $results.$suffix ]]; then
            not_ok "$name: its tests run ($way)" "$(tail -n 30 "$results.out")"
            return
        fi
        rm -rf "$directory"
    done
    # That the tests really used the proxy: nearly as many sessions as connections otherwise.
    local name_of_check="$name: ${connections[sessions]} sessions of the proxy over ${connections[proxied]} connections, ${connections[direct]} connections directly"
    if ((connections[sessions] * 10 >= connections[direct] * 9 && connections[sessions] > 0)); then
        ok "$name_of_check"
    else
        not_ok "$name_of_check" 'the tests go round the proxy'
    fi
    python3 "$clients/drivers/compare.py" "$name" "$logs/$name-direct.$suffix" "$logs/$name-proxied.$suffix" \
        "$driver/expected-differences.txt" $at_least || failures=$((failures + 1))
}

logs=$cache/drivers/logs
mkdir -p "$logs"
drivers=${DRIVERS:-asyncpg tokio-postgres}
if [[ $drivers == all ]]; then
    drivers=$(cd "$clients/drivers" && for file in */driver.sh; do echo "${file%/driver.sh}"; done)
fi
for driver in $drivers; do
    run_driver "$driver"
done
finish
