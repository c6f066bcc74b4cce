# The image of nodes and agents. Build it with docker-compose.yml, or alone:
#
#   docker build -t berth .

FROM debian:12 AS build
WORKDIR /src
COPY scripts/install_packages.sh scripts/
RUN scripts/install_packages.sh
COPY . .
# dev is quicker to build, release quicker to run.
ARG PRESET=release
RUN cmake --preset $PRESET \
  && cmake --build --preset $PRESET --target berth \
  && strip --strip-debug -o /usr/local/bin/berth build*/berth

FROM debian:12
RUN apt-get update -qq \
  && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
    --no-install-recommends \
    libcaf-core0.17 libcaf-io0.17 libfmt9 libjemalloc2 \
    libprometheus-cpp-core1.0 librdkafka1 librocksdb7.8 libspdlog1.10 \
    libssl3 openssl \
  && rm -rf /var/lib/apt/lists/*
COPY --from=build /usr/local/bin/berth /usr/local/bin/berth
VOLUME /var/lib/berth
EXPOSE 9777
ENTRYPOINT ["berth"]
CMD ["--help"]
