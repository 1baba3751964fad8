# `make` alone lists the targets.
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run test fmt clippy doc unit clients suites test-tools bench setup

TARGET := $(or $(CARGO_TARGET_DIR),target)

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: ## build, then serve a local cluster behind a proxy until Ctrl-C (ARGS="--port 5433 ...")
	@scripts/setup.sh rust postgres
	cargo build --release --locked
	@$(TARGET)/release/dsql-proxy local $(ARGS) || [ $$? -eq 130 ]

test: fmt clippy doc unit clients ## everything that CI runs

fmt: ## check the formatting
	@scripts/setup.sh rust
	cargo fmt --all --check

clippy: ## lint, warnings are errors
	@scripts/setup.sh rust
	cargo clippy --locked --all-targets -- -D warnings

doc: ## build the documentation, warnings are errors
	@scripts/setup.sh rust
	RUSTDOCFLAGS='-D warnings' cargo doc --locked --no-deps --document-private-items

unit: ## Rust's tests (with cargo-nextest where it is installed)
	@scripts/setup.sh rust postgres
	@if cargo nextest --version >/dev/null 2>&1; then \
		set -x; cargo nextest run --locked && cargo test --locked --doc; \
	else \
		set -x; cargo test --locked; \
	fi

clients: ## real PostgreSQL clients through the proxy (SUITES="psql node")
	@scripts/setup.sh rust clients
	@tests/clients/run-all.sh $(SUITES)

test-tools: ## more tools through the proxy
	@scripts/setup.sh rust tools
	@tests/clients/run-all.sh drizzle knex python-more pgx diesel activerecord

suites: ## all drivers' own tests, directly and through the proxy (DRIVERS="asyncpg pg8000")
	@scripts/setup.sh rust clients
	@CLIENTS_LIMIT=7200 DRIVERS="$(or $(DRIVERS),all)" tests/clients/run-all.sh drivers

# Both with names of functions, for callgrind; apart from the builds without them.
bench: export CARGO_PROFILE_RELEASE_DEBUG = line-tables-only
bench: export CARGO_PROFILE_RELEASE_STRIP = none
bench: ## compare with PgBouncer and a byte copier (ARGS="instructions latency --json out.json")
	@scripts/setup.sh rust postgres bench
	cargo build --release --locked --target-dir $(TARGET)/bench
	cargo build --release --locked --target-dir $(TARGET)/bench --manifest-path benches/bytecopy/Cargo.toml
	@benches/run.py --proxy=$(TARGET)/bench/release/dsql-proxy --bytecopy=$(TARGET)/bench/release/bytecopy \
		--postgres="$$(scripts/find-postgres.sh)" $(ARGS)

setup: ## install what `make run` and `make test` need
	@scripts/setup.sh rust postgres clients
