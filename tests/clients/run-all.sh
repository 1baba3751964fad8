#!/usr/bin/env bash
# Runs the client suites, each under a `dsql-proxy local --once` of its own, then looks for
# secrets in all that was logged.
#
#   run-all.sh [SUITE...]          all suites by default, but for those that are pending
#
#   PROXY_BIN      the program to test (default: build it with cargo, debug profile)
#   PROXY_FLAGS    flags for `dsql-proxy local`, separated by spaces (default: --debug-logs, so that
#                  the search for secrets has the most to look at)
#   CLIENTS_CACHE  where the suites keep what they install (default: target/clients)
#   CLIENTS_LIMIT  seconds that one suite may take (default: 900)
#
# The last line is "N passed, M failed"; the exit status is 0 only when M is 0.
set -euo pipefail
clients=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$clients/../.." && pwd)
cd "$root"

all_suites=(psql pgbench python dsql-direct node prisma jdbc migrations drivers)
# What the proxy cannot do yet. They pass against a plain PostgreSQL (run-plain.sh).
pending_suites=(psql-ddl prisma-migrate prisma6-migrate prisma-native sequelize sqlalchemy django typeorm liquibase hikaricp sqlx
    drizzle knex python-more pgx diesel activerecord)
suites=("$@")
(($# > 0)) || suites=("${all_suites[@]}")
# Seconds for one suite, with what it installs or builds on its first run.
limit=${CLIENTS_LIMIT:-900}

target=${CARGO_TARGET_DIR:-$root/target}
export CLIENTS_CACHE=${CLIENTS_CACHE:-$target/clients}
logs=$CLIENTS_CACHE/logs
rm -rf "$logs"
mkdir -p "$logs"
proxy_log=$logs/proxy.log
output_log=$logs/output.log
secrets=$logs/secrets
(umask 077 && : >"$secrets")
trap 'rm -f "$secrets"' EXIT

# The caller's own settings are not part of the test.
for variable in $(compgen -e | grep -E '^(DSQL_PROXY_|AWS_|PG|DATABASE_URL$)' | grep -vE '^(PG_BIN|PGJDBC_JAR)$'); do
    unset "$variable"
done

if [[ -z ${PROXY_BIN:-} ]]; then
    cargo build --locked
    PROXY_BIN=$target/debug/dsql-proxy
fi
export PROXY_BIN
read -ra flags <<<"${PROXY_FLAGS---debug-logs}"

passed=0
failed=0
# What is not a line of a suite but counts too.
ok() {
    echo "ok - $1"
    passed=$((passed + 1))
}
not_ok() {
    echo "not ok - $1"
    failed=$((failed + 1))
}

for suite in "${suites[@]}"; do
    if [[ ! -x $clients/$suite/run.sh ]]; then
        not_ok "$suite: there is no such suite (there are: ${all_suites[*]} ${pending_suites[*]})"
        continue
    fi
    echo "== $suite"
    begin=$SECONDS
    status=0
    # It is about what the cluster says itself.
    own_flags=()
    [[ $suite == migrations ]] && own_flags=(--ddl=pass --advisory-locks=forward)
    timeout --kill-after=20 "$limit" \
        "$PROXY_BIN" local ${flags[@]+"${flags[@]}"} ${own_flags[@]+"${own_flags[@]}"} --once -- "$clients/run-suite.sh" "$suite" "$secrets" \
        2>"$logs/$suite.log" | tee "$logs/$suite.out" || status=${PIPESTATUS[0]}
    cat "$logs/$suite.log" >>"$proxy_log"
    cat "$logs/$suite.out" >>"$output_log"

    suite_passed=$(grep -c '^ok - ' "$logs/$suite.out" || true)
    suite_failed=$(grep -c '^not ok - ' "$logs/$suite.out" || true)
    passed=$((passed + suite_passed))
    failed=$((failed + suite_failed))
    # A suite that says nothing, or fails without saying what, must not look like a success.
    if ((suite_passed + suite_failed == 0)); then
        not_ok "$suite: ran no check, exit status $status"
    elif ((status != 0 && suite_failed == 0)); then
        not_ok "$suite: exit status $status, though each check passed$( ((status == 124)) && echo " (over $limit s)")"
    elif ((status == 0 && suite_failed > 0)); then
        not_ok "$suite: exit status 0, though a check failed"
    fi
    if ((status != 0 || suite_failed > 0)); then
        echo "   the end of the proxy's log ($logs/$suite.log):"
        tail -n 20 "$logs/$suite.log" | sed 's/^/   | /'
    fi
    echo "   $suite: $suite_passed passed, $suite_failed failed, $((SECONDS - begin)) s"
done

echo "== logs"
# What must never be logged: tokens (by the names of their parts) and secret keys.
patterns=$logs/patterns
(umask 077 && { printf '%s\n' X-Amz-{Signature,Credential,Security-Token}{=,%3D} && sort -u "$secrets"; } >"$patterns")
trap 'rm -f "$secrets" "$patterns" "$logs/planted.log"' EXIT
leaks() { grep --ignore-case --fixed-strings --file="$patterns" "$1"; }

# First see that the search can find something: a line with each pattern, hidden in a copy of the log.
blind=0
while IFS= read -r pattern; do
    { cat "$proxy_log" && echo "level=INFO token=cluster/?Action=DbConnectAdmin&${pattern}planted"; } >"$logs/planted.log"
    leaks "$logs/planted.log" >/dev/null || blind=$((blind + 1))
done <"$patterns"
if ((blind > 0)); then
    not_ok "logs: the search misses $blind of the patterns it looks for"
elif [[ ! -s $secrets ]]; then
    not_ok 'logs: no secret is known to look for'
elif [[ ! -s $proxy_log ]]; then
    not_ok 'logs: the proxy logged nothing, so there is nothing to search'
else
    ok 'logs: a planted secret is found'
fi
for log in "$proxy_log" "$output_log"; do
    if leaked=$(leaks "$log" 2>/dev/null); then
        not_ok "logs: a token or a secret in $log, on $(wc -l <<<"$leaked") lines"
    elif [[ -f $log ]]; then
        ok "logs: no token and no secret in ${log##*/}"
    fi
done

echo "$passed passed, $failed failed"
((failed == 0))
