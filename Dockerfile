# syntax=docker/dockerfile:1
# The one program, in an image with nothing else in it: no shell, no package manager, not root.
#
#   docker build -t brewline .
#   docker run --rm -p 127.0.0.1:8080:8080 -v brewline:/data --read-only brewline
#
# Whoever has the program already (a release) gives a directory in place of the first stage:
# --build-context build=DIR with out/amd64 and out/arm64, each laid out by scripts/image-root, and an empty data.
FROM rust:1.95.0-bookworm AS build
ARG TARGETARCH
WORKDIR /src
COPY . .
# What was built before stays in the cache, librdkafka and its TLS above all.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target,id=target-${TARGETARCH} \
    cargo build --release --locked -p brewline \
    && scripts/image-root "$PWD/target/release/brewline" "/out/${TARGETARCH}" \
    && mkdir /data

# Debian 12: glibc 2.36, and certificates to trust. Its tag says who runs: 65532, who owns nothing but /data. The tag moves
# with Debian's corrections; which digest a release was built on stands in the provenance that is published with its image.
FROM gcr.io/distroless/cc-debian12:nonroot
ARG TARGETARCH
COPY --from=build /out/${TARGETARCH}/ /
COPY --from=build --chown=65532:65532 /data /data
ENV BREWLINE_LISTEN=0.0.0.0:8080
# The log, and the only place that is written to.
VOLUME /data
WORKDIR /data
EXPOSE 8080
STOPSIGNAL SIGTERM
# Of the counter; whoever runs a barista alone turns it off.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --start-interval=1s CMD ["/usr/local/bin/brewline", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/brewline"]
CMD ["up", "--log", "local:/data"]
