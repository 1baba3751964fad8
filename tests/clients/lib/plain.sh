# shellcheck shell=bash
# Sourced after env.sh: a plain PostgreSQL of the suite's own, beside the server to test.
#
#     plain_start USER [TCP-PORT]    a new one, with that superuser and no password
#     plain_stop                     for the suite's `trap ... EXIT`
#
# It listens on the Unix socket in $plain_directory, port 5432, open to whoever can enter that
# directory, and on loopback if a port is given.

plain_directory=''
plain_prefix=()

plain_start() {
    plain_directory=$(mktemp -d)
    # PostgreSQL does not run as root.
    if ((EUID == 0)); then
        local user
        user=$(id -u postgres >/dev/null 2>&1 && echo postgres || echo nobody)
        chown "$user" "$plain_directory"
        plain_prefix=(setpriv "--reuid=$user" "--regid=$(id -g "$user")" --clear-groups)
    fi
    quietly plain_ctl init -o "--username=$1 --auth=trust --locale=C --encoding=UTF8 --no-sync"
    quietly plain_ctl start --wait --log=log -o "-c listen_addresses=${2:+127.0.0.1} -c port=${2:-5432} -c fsync=off \
-c unix_socket_directories=$plain_directory"
}

# With the data in $plain_directory/data. The directory that the suite was started in may be
# closed to the user who runs PostgreSQL.
plain_ctl() {
    (cd "$plain_directory" && ${plain_prefix[@]+"${plain_prefix[@]}"} "${postgres_bin:?}/pg_ctl" --pgdata=data "$@" </dev/null)
}

plain_stop() {
    [[ -n $plain_directory ]] || return 0
    plain_ctl stop --silent --mode=immediate >/dev/null 2>&1 || true
    rm -rf "$plain_directory"
}
