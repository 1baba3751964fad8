# The proxy and the C library, nothing else: no shell, no package manager. The Amazon roots are
# built in.
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY src ./src
RUN cargo build --release --locked --bin dsql-proxy \
    && mkdir /out \
    && cp target/release/dsql-proxy /out/ \
    && cp --parents $(ldd target/release/dsql-proxy | grep -o '/[^ ]*') /out/

FROM scratch
COPY --from=build /out /
USER 65532:65532
ENTRYPOINT ["/dsql-proxy"]
