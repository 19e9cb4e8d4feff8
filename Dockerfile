# The sensor as a container image, linux/amd64 and linux/arm64.
#
#   docker buildx build --platform linux/amd64,linux/arm64 --tag levoai/pcap-sensor .
#   docker buildx build --build-arg VARIANT=satellite --tag levoai/pcap-sensor:satellite .     with what the satellite takes
#
# BUILD_IMAGE has Node.js with its headers and npm, on Debian. BASE_IMAGE is a Debian of the same release, to which Node.js
# and the sensor are added. NODE_IMAGE provides the Node.js: it is BUILD_IMAGE for the platform that the image is for.
# Behind a proxy that re-signs TLS, or with a registry of your own:
#   --secret id=ca,src=ca-bundle.pem --secret id=npmrc,src=$HOME/.npmrc
# They are mounted while npm runs, and no layer holds them.
#
# The first stage runs on the building machine's own architecture and cross-compiles: an emulated compiler takes an hour.
# The release of Node.js is that of .node-version.
ARG BUILD_IMAGE=docker.io/library/node:24-bookworm
ARG NODE_IMAGE=${BUILD_IMAGE}
ARG BASE_IMAGE=docker.io/library/debian:bookworm-slim

FROM ${NODE_IMAGE} AS node

FROM --platform=${BUILDPLATFORM} ${BUILD_IMAGE} AS build
ARG TARGETARCH
WORKDIR /src
COPY scripts/cross scripts/
RUN apt-get update \
 && apt-get install --yes --no-install-recommends g++ make python3 libpcap-dev $(scripts/cross packages "$TARGETARCH") \
 && rm -rf /var/lib/apt/lists/*
COPY package.json package-lock.json .npmrc ./
# Optional packages are installed because the compiler needs their types. The image gets none of them: the AWS SDK is for
# "pcap-sensor ecs", and the cap package for machines without the capture ring.
RUN --mount=type=secret,id=ca,target=/run/ca.pem --mount=type=secret,id=npmrc,target=/root/.npmrc \
    if [ -s /run/ca.pem ]; then export NODE_EXTRA_CA_CERTS=/run/ca.pem; fi; \
    npm ci --ignore-scripts --no-update-notifier --loglevel=error
COPY native native
RUN scripts/cross build "$TARGETARCH" node_modules/re2 && scripts/cross build "$TARGETARCH" native
COPY tsconfig.json tsconfig.build.json ./
COPY src src
RUN npm run --silent build
COPY LICENSE levo_pcap_sensor.sh ./
COPY bin bin
COPY scripts/runtime-tree.js scripts/
COPY --from=node /usr/local/bin/node /usr/local/bin/runtime-node
# satellite: also what keeps traces and shows a page, which no sensor needs. packets: also the clients of Redis, SQS, S3 and Kafka that
# pcapdaemon takes, under a tag that ends in -packets.
ARG VARIANT=sensor
RUN node scripts/runtime-tree.js /runtime "--$VARIANT" \
 && find /runtime -name '*.node' -exec scripts/cross strip "$TARGETARCH" {} + \
 && scripts/cross strip "$TARGETARCH" /usr/local/bin/runtime-node

# Repeated, because older buildah goes on with the platform of the stage before.
FROM --platform=${TARGETPLATFORM} ${BASE_IMAGE}
# root, because on Fargate only root has NET_RAW in effect; bin/init gives up every other capability. With another name
# the user is made, and Node.js gets the capability.
ARG RUN_AS=root
ARG VARIANT=sensor
RUN apt-get update \
 && apt-get upgrade --yes --no-install-recommends \
 && apt-get install --yes --no-install-recommends ca-certificates libpcap0.8 libstdc++6 tini \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/*
COPY --from=build /runtime /levoai/pcap-sensor
# Node.js comes through a mount, not COPY: it would be stored twice if a layer of its own gave it the capability.
RUN --mount=type=bind,from=build,source=/usr/local/bin,target=/mnt/build \
    install /mnt/build/runtime-node /usr/local/bin/node \
 && ln -s /levoai/pcap-sensor/bin/init /usr/local/bin/pcap-sensor \
 && ln -s /levoai/pcap-sensor/bin/init /usr/local/bin/apidump \
 && ln -s /levoai/pcap-sensor/bin/init /usr/local/bin/packetstreamer \
 && ln -s /levoai/pcap-sensor/bin/init /usr/local/bin/pcapdaemon \
 && if [ "$RUN_AS" != root ] && ! getent passwd "$RUN_AS" >/dev/null; then \
      useradd --system --no-create-home --shell /usr/sbin/nologin "$RUN_AS"; \
    fi \
 && if [ "$RUN_AS" != root ] && [ "$VARIANT" != satellite ]; then \
      apt-get update && apt-get install --yes --no-install-recommends libcap2-bin \
      && setcap cap_net_raw+ep /usr/local/bin/node \
      && apt-get purge --yes --auto-remove libcap2-bin \
      && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/*; \
    fi
WORKDIR /levoai/pcap-sensor
# What bin/init does without words.
ENV NODE_ENV=production PCAP_SENSOR_VARIANT=${VARIANT}
USER ${RUN_AS}
# Without words it prints its help, or starts by the variables of osSensor where they are set (docs/ossensor.md).
ENTRYPOINT ["/levoai/pcap-sensor/bin/init"]
CMD []

ARG VERSION=unknown
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="pcap-sensor" \
      org.opencontainers.image.description="Turns the HTTP traffic of an ECS Fargate task into API traces, without touching the application" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.vendor="Levo" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      ai.levo.sbom="/levoai/pcap-sensor/sbom.cdx.json"
