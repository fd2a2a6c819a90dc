# syntax=docker/dockerfile:1

# The whiteboard as a container: one program with the pages in it, and its data in the volume /data.
#
#   docker build --tag whiteboard .
#   docker run --detach --restart unless-stopped --publish 127.0.0.1:8080:8080 \
#       --volume whiteboard:/data --stop-timeout 60 whiteboard
#
# --stop-timeout: the server stores the ops that wait before it exits. Flags follow the image's name.

FROM rust:1.95-slim-trixie AS build
WORKDIR /build
COPY . .
# The caches outlive the build, so that SurrealDB is compiled once and not after each change. A cache is
# not part of the image: the program is copied out of it.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    cargo build --profile dist --locked \
    && cp target/dist/whiteboard /usr/local/bin/

FROM debian:trixie-slim
# 3 MB of fonts, for letters in pictures that the font in the program lacks.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends fonts-dejavu-core \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /usr/local/bin/whiteboard /usr/local/bin/
# A new volume is a copy of the folder, and so belongs to the user that writes to it.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /data whiteboard \
    && install --directory --owner whiteboard --group whiteboard /data
# The user by number, so that an orchestrator sees that it is not root.
USER 10001
WORKDIR /data
VOLUME /data
ENV WHITEBOARD_LISTEN=0.0.0.0:8080 \
    WHITEBOARD_DATABASE=surrealkv:///data/whiteboard
EXPOSE 8080
STOPSIGNAL SIGTERM
# Checks that the process answers, not that its database does: a restart does not bring the database
# back, and closes every session. bash opens the TCP connection, so no other program is needed. The port
# is 8080: for another one, run the container with a --health-cmd of your own. --start-interval needs
# Docker 25.
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --start-interval=1s \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET /healthz HTTP/1.0\\r\\n\\r\\n' >&3 && read -r _ status _ <&3 && [ \"$status\" = 200 ]"]
ENTRYPOINT ["whiteboard"]
