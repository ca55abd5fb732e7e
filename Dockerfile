# The one program, in an image with nothing else in it: no shell, no package manager, not root.
#
#   docker build -t brewline .
#   docker run --rm -p 127.0.0.1:8080:8080 -v brewline:/data brewline
FROM rust:1.95.0-bookworm AS build
WORKDIR /src
COPY . .
# What was built before stays in the cache, librdkafka and its TLS above all.
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    cargo build --release --locked -p brewline && cp target/release/brewline /brewline && mkdir /data

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /brewline /usr/local/bin/brewline
COPY --from=build --chown=nonroot:nonroot /data /data
ENV BREWLINE_LISTEN=0.0.0.0:8080
VOLUME /data
EXPOSE 8080
ENTRYPOINT ["/usr/local/bin/brewline"]
CMD ["up", "--log", "local:/data"]
