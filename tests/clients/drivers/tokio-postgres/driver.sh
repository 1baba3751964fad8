# shellcheck shell=bash disable=SC2034 # run.sh reads these
at_least=90
# Written into the tests.
fixed_port=5433
suffix=txt

# The crate is a dependency of our own tests: Cargo.lock says which version, and cargo where it is.
# It is built with the versions of its own Cargo.lock.
prepare() {
    local manifest version source=$cache/drivers/tokio-postgres target=$cache/drivers/tokio-postgres-target
    manifest=$(cd "$root" && cargo metadata --locked --format-version=1 | python3 -c '
import json, sys
(path,) = [p["manifest_path"] for p in json.load(sys.stdin)["packages"] if p["name"] == "tokio-postgres"]
print(path)')
    version=$(basename "$(dirname "$manifest")")
    if [[ ! -f $source/$version.complete ]]; then
        rm -rf "$source"
        cp -R "$(dirname "$manifest")" "$source"
        touch "$source/$version.complete"
    fi
    quietly env "CARGO_TARGET_DIR=$target" timeout 300 cargo test --locked --no-run --all-features --test test \
        --manifest-path "$source/Cargo.toml"
    program=$(env "CARGO_TARGET_DIR=$target" timeout 300 cargo test --locked --no-run --all-features --test test \
        --manifest-path "$source/Cargo.toml" --message-format=json 2>/dev/null | python3 -c '
import json, sys
(path,) = [m["executable"] for m in map(json.loads, sys.stdin) if m.get("executable")]
print(path)')
    if python3 -c 'import socket; socket.create_connection(("127.0.0.1", 5433))' 2>/dev/null; then
        not_ok 'tokio-postgres: port 5433 is free' 'its tests use that port, and something listens there: stop it'
        finish
    fi
}

run_tests() {
    RUST_BACKTRACE=0 timeout --kill-after=10 240 "$program" >"$2" 2>&1
}
