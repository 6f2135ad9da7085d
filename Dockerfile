# An image of the server: docker build --tag witan . && docker run --volume witan:/var/lib/witan --publish 127.0.0.1:8000:8000 witan

FROM swift:6.3-bookworm AS build
# Debian's archive keeps one version of a package, the one with its security updates; a pinned one soon goes away.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libpq-dev libsqlite3-dev pkgconf \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
# The dependencies are fetched anew only when the manifest changes.
COPY Package.* ./
RUN swift package resolve
# The manifest names the tests' folders, so they must be there.
COPY Sources Sources
COPY Tests Tests
RUN swift build -c release --product witan --static-swift-stdlib \
    && install -D "$(swift build -c release --show-bin-path)/witan" /image/witan

FROM debian:bookworm-slim
# What the binary links to, and the authorities that PostgreSQL's, the mail server's and the issuer's certificates need.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates libpq5 libsqlite3-0 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --user-group --no-create-home --home-dir /var/lib/witan --shell /usr/sbin/nologin witan \
    && install --directory --owner witan --group witan --mode 700 /var/lib/witan
COPY --from=build /image/witan /usr/local/bin/witan
# By number, so that a cluster that demands it can see that this is not root.
USER 10001:10001
# Within a container, only the container's own network reaches 0.0.0.0.
ENV WITAN_HOST=0.0.0.0 WITAN_DATA=/var/lib/witan WITAN_LOG_FORMAT=json
EXPOSE 8000
HEALTHCHECK --interval=5s --timeout=6s --start-period=15s --retries=2 CMD ["witan", "health"]
ENTRYPOINT ["witan"]
CMD ["serve"]
