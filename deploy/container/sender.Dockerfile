# syntax=docker/dockerfile:1
# `webhook-sender`: one static binary, and nothing beside it but what it reads.
#
#   docker build -f deploy/container/sender.Dockerfile -t webhook-sender .
#   docker run --read-only -e SENDER_TOKEN=… -p 127.0.0.1:8080:8080 \
#       -v sender:/var/lib/webhook-sender webhook-sender
#
# A configuration of your own goes to /etc/webhook-sender/sender.toml. `sh scripts/image.sh root
# sender FOLDER` makes the same files without an engine.

FROM rust:1.95-slim-trixie AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target,id=sender-target \
    sh scripts/setup-image.sh && sh scripts/image.sh build sender /out

FROM scratch
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="webhook-sender" \
      org.opencontainers.image.description="Delivers events as signed webhooks, at least once" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /out/webhook-sender /webhook-sender
# For `rediss://`, and receivers: what is mounted here in its place is believed instead.
COPY --from=build /out/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY deploy/container/sender.toml /etc/webhook-sender/sender.toml
# An empty folder that the user may write to. A volume takes its owner over.
COPY --from=build --chown=65532:65532 /out/state /var/lib
VOLUME /var/lib/webhook-sender
USER 65532:65532
# SQLite puts large temporary files here, where it finds no /tmp.
WORKDIR /var/lib/webhook-sender
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 CMD ["/webhook-sender", "health"]
ENTRYPOINT ["/webhook-sender"]
CMD ["run", "--config", "/etc/webhook-sender/sender.toml"]
