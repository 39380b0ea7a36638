# Flyball on the CPU: built from this checkout with the pinned models, runs as a user without rights on a read-only root.
#   docker build -t flyball:0.1.0 .
#   docker run --read-only --tmpfs /tmp -v flyball:/var/lib/flyball -v "$PWD/my.toml:/opt/flyball/config/my.toml:ro" flyball:0.1.0 run config/my.toml --plain
# The GPU variant is Dockerfile.gpu; compose.yaml runs two nodes with a router.

FROM rust:1.95-bookworm AS build
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
# hadolint ignore=DL3008 # Debian's stable packages carry security fixes under the same version: pinned by the release
RUN apt-get update \
 && apt-get install -y --no-install-recommends libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev \
    libgstreamer-plugins-bad1.0-dev libgstrtspserver-1.0-dev gstreamer1.0-plugins-base gstreamer1.0-plugins-good \
    gstreamer1.0-plugins-bad gstreamer1.0-libav python3 python3-pip python3-venv npm pkg-config \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
# First what changes least: the runtime and the models, each checked by SHA-256.
COPY models models
COPY Makefile ./
RUN make setup-production && rm -rf models/.cache .venv
COPY . .
RUN cargo build --locked --release && python3 .ci/sbom.py --output /src/sbom.cdx.json && python3 .ci/notices.py

FROM debian:bookworm-slim
# hadolint ignore=DL3008 # as above
RUN apt-get update \
 && apt-get install -y --no-install-recommends gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad \
    gstreamer1.0-libav gstreamer1.0-nice libgstrtspserver-1.0-0 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --home-dir /var/lib/flyball --create-home flyball
COPY --from=build /src/target/release/flyball /usr/local/bin/flyball
COPY --from=build /src/vendor/onnxruntime /opt/flyball/vendor/onnxruntime
COPY --from=build /src/models /opt/flyball/models
COPY --from=build /src/pipelines /opt/flyball/pipelines
COPY --from=build /src/config /opt/flyball/config
COPY --from=build /src/sbom.cdx.json /src/target/reports/THIRD-PARTY-NOTICES.txt /usr/share/doc/flyball/
COPY LICENSE-APACHE LICENSE-MIT /usr/share/doc/flyball/
# GStreamer keeps its registry where it may write.
ENV GST_REGISTRY=/tmp/gstreamer-registry.bin XDG_CACHE_HOME=/tmp
USER 10001
WORKDIR /opt/flyball
VOLUME /var/lib/flyball
# Alive is: the events' port answers.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD ["/bin/bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/7447"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/flyball"]
CMD ["run", "config/container.toml", "--plain", "--log-json"]
