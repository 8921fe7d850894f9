# syntax=docker/dockerfile:1

# Build. OpenSSL is compiled from source here (crate openssl, feature vendored), which takes perl, make and a C compiler; the base image has them.
FROM rust:1-bookworm AS build
WORKDIR /source
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/source/target \
    cargo build --locked --release --package exchange-sync --bin exchange-sync \
    && install -D target/release/exchange-sync /out/exchange-sync

# Run. Nothing but the program and the roots by which it trusts servers.
FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin exchange-sync \
    && install -d -o exchange-sync -g exchange-sync /data
COPY --from=build /out/exchange-sync /usr/local/bin/exchange-sync
USER exchange-sync
WORKDIR /data
VOLUME /data
# Both interrupt and SIGTERM end it in order; what is under way is fetched again by the next run.
STOPSIGNAL SIGTERM
ENTRYPOINT ["exchange-sync"]
