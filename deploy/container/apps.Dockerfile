# syntax=docker/dockerfile:1
# `spin-local` with the producer and the consumer. The command chooses the app:
#
#   docker build -f deploy/container/apps.Dockerfile -t webhook-apps .
#   docker run --read-only -p 127.0.0.1:3000:3000 -v producer:/var/lib/spin webhook-apps
#   docker run --read-only -p 127.0.0.1:3002:3000 -v consumer:/var/lib/spin \
#       -e SPIN_VARIABLE_HANDSHAKE_TOKEN=… webhook-apps --from /apps/webhook-consumer
#
# What follows the image's name are options of `spin-local up`, `--variable` among them.

FROM rust:1.95-slim-trixie AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target,id=apps-target \
    rustup target add wasm32-wasip2 && sh scripts/image.sh build apps /out

FROM debian:trixie-slim
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="webhook-apps" \
      org.opencontainers.image.description="The webhook producer and consumer on spin-local" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# curl asks the apps how they are; no shell takes part in it.
RUN apt-get update && \
    apt-get install -y --no-install-recommends ca-certificates curl && \
    rm -rf /var/lib/apt/lists/*
COPY --from=build /out/spin-local /usr/local/bin/spin-local
COPY --from=build /out/apps /apps
COPY deploy/container/verify.sh /apps/verify.sh
# An empty folder that the user may write to. A volume takes its owner over.
COPY --from=build --chown=65532:65532 /out/state /var/lib
ENV SPIN_HTTP_LISTEN_ADDR=0.0.0.0:3000 SPIN_LOCAL_CACHE_DIR=/var/lib/spin/cache
VOLUME /var/lib/spin
USER 65532:65532
WORKDIR /var/lib/spin
EXPOSE 3000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 CMD ["curl", "--fail", "--silent", "--show-error", "--output", "/dev/null", "http://127.0.0.1:3000/healthz"]
ENTRYPOINT ["/usr/local/bin/spin-local", "up", "--state-dir", "/var/lib/spin"]
CMD ["--from", "/apps/webhook-producer", "--sqlite", "@/apps/migrations.sql"]
