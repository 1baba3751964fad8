# shellcheck shell=bash
# Sourced by run.sh: a plain PostgreSQL, and the proxy before it.

# The endpoint in whose name the proxy checks PostgreSQL's certificate.
endpoint=abcdefghijklmnopqrstuvwxyz.dsql.us-east-1.on.aws
server_pid='' proxy_pid='' relay_port=''

# PostgreSQL does not run as root.
server_user=$(id -un) as_postgres=()
if ((EUID == 0)); then
    server_user=$(id -u postgres >/dev/null 2>&1 && echo postgres || echo nobody)
    as_postgres=(setpriv "--reuid=$server_user" "--regid=$(id -g "$server_user")" --clear-groups)
fi

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# wait_for WHAT LOG PATTERN PID: until the process has logged the pattern, at most 30 s.
wait_for() {
    local _
    for _ in {1..300}; do
        grep -q "$3" "$2" 2>/dev/null && return
        kill -0 "$4" 2>/dev/null || break
        sleep 0.1
    done
    not_ok "$1 starts" "$(tail -n 20 "$2" 2>/dev/null)"
    finish
}

# start_postgres DIRECTORY WAY PORT DRIVER: a new server with the superuser `postgres`.
#
# WAY is `direct` (without TLS: the driver's side is to be the same in both) or `proxied`
# (with TLS only: nothing but the proxy gets in).
start_postgres() {
    local directory=$1 way=$2 port=$3 driver=$4 tls=off
    [[ $way == direct ]] || tls=on
    mkdir -p "$directory"
    chown "$server_user" "$directory"
    local data=$directory/data
    quietly in_scratch "${as_postgres[@]}" "$postgres_bin/initdb" --pgdata="$data" --username=postgres --auth=trust \
        --locale=C.UTF-8 --encoding=UTF8 --no-sync
    quietly openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=$endpoint" \
        -addext "subjectAltName=DNS:$endpoint" -addext basicConstraints=critical,CA:FALSE \
        -keyout "$data/server.key" -out "$data/server.crt"
    chmod 600 "$data/server.key"
    cp "$data/server.crt" "$directory/ca.pem"
    {
        echo 'local all all trust'
        if [[ $way == direct ]]; then
            cat "$driver/pg_hba.conf" 2>/dev/null || true
            echo 'hostnossl all all all trust'
        else
            echo 'hostssl all all all trust'
        fi
    } >"$data/pg_hba.conf"
    chown "$server_user" "$data/server.key" "$data/server.crt" "$data/pg_hba.conf"

    (
        cd "$directory"
        exec "${as_postgres[@]}" "$postgres_bin/postgres" -D "$data" -c listen_addresses=localhost -c "port=$port" \
            -c "unix_socket_directories=$directory" -c "ssl=$tls" -c fsync=off -c jit=off -c max_connections=300 \
            -c max_prepared_transactions=10 -c log_connections=on -c logging_collector=off -c log_destination=stderr
    ) >"$directory/postgres.log" 2>&1 &
    server_pid=$!
    wait_for 'PostgreSQL' "$directory/postgres.log" 'database system is ready to accept connections' "$server_pid"
    if [[ -f $driver/setup.sql ]]; then
        quietly psql -X -q -v ON_ERROR_STOP=1 -h "$directory" -p "$port" -U postgres -d postgres -f "$driver/setup.sql"
    fi
}

in_scratch() { (cd "$scratch" && "$@"); }

# start_proxy DIRECTORY PORT UPSTREAM_PORT
start_proxy() {
    local directory=$1 port=$2 upstream=$3
    SSL_CERT_FILE=$directory/ca.pem "$PROXY_BIN" "$endpoint" "--port=$port" "--upstream-address=127.0.0.1:$upstream" \
        --tls-negotiation=postgres --unsupported-parameters=forward --ddl=pass --advisory-locks=forward --debug-logs \
        ${POOL_MODE:+"--pool-mode=$POOL_MODE"} >"$directory/proxy.log" 2>&1 &
    proxy_pid=$!
    wait_for 'the proxy' "$directory/proxy.log" 'ready for connections' "$proxy_pid"
}

# The proxy first: it logs the sessions that it ends.
stop_servers() {
    if [[ -n $proxy_pid ]]; then
        kill -TERM "$proxy_pid" 2>/dev/null || true
        wait "$proxy_pid" 2>/dev/null || true
        proxy_pid=''
    fi
    if [[ -n $server_pid ]]; then
        kill -INT "$server_pid" 2>/dev/null || true
        wait "$server_pid" 2>/dev/null || true
        server_pid=''
    fi
}

# programs DIRECTORY: PostgreSQL's programs for tests that start servers of their own. For root
# they change to another user, who gets the data directory first.
programs() {
    local directory=$1 program
    if ((EUID != 0)); then
        ln -s "$postgres_bin" "$directory"
        return
    fi
    mkdir -p "$directory"
    for program in "$postgres_bin"/*; do
        program=${program##*/}
        {
            echo '#!/usr/bin/env bash'
            echo 'for ((i = 1; i < $#; i++)); do'
            # shellcheck disable=SC2016 # these are the script's own variables
            echo '    if [[ ${!i} == -D ]]; then j=$((i + 1)); [[ ! -d ${!j} ]] || chown -R '"$server_user"' "${!j}"; fi'
            echo 'done'
            echo "exec ${as_postgres[*]} $postgres_bin/$program \"\$@\""
        } >"$directory/$program"
        chmod +x "$directory/$program"
    done
}
