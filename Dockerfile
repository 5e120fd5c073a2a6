# wherry in a container. `wherry doctor` in it says what the place where it runs allows; docs/ci.md shows how to set that up.
#
#   wherry build -t wherry .
#
# Without a network for npm, with the bundle that `npm ci` left here and the Node of this machine (see docs/ci.md):
#   wherry build --build-context bundle=DIR --build-context node=DIR -t wherry .
ARG BASE=debian:bookworm-slim
ARG NODE=node:20-bookworm-slim

FROM ${NODE} AS node

FROM ${NODE} AS bundle
WORKDIR /wherry
COPY . .
RUN npm ci --no-audit --no-fund && npm prune --omit=dev --ignore-scripts --no-audit --no-fund

FROM ${BASE}
# Containers take CAP_SYS_ADMIN away, without which a setuid newuidmap is refused by the kernel; one with file capabilities is not.
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates libcap2-bin libstdc++6 mount uidmap util-linux xz-utils zstd \
 && chmod u-s /usr/bin/newuidmap /usr/bin/newgidmap \
 && setcap cap_setuid+ep /usr/bin/newuidmap \
 && setcap cap_setgid+ep /usr/bin/newgidmap \
 && apt-get purge -y --auto-remove libcap2-bin \
 && rm -rf /var/lib/apt/lists/*
# Ids below 65536 alone: those are there in a pod with a user namespace of its own (hostUsers: false) too.
RUN useradd --uid 1000 --create-home wherry \
 && printf 'wherry:1:999\nwherry:1001:64535\n' | tee /etc/subuid > /etc/subgid \
 && install -d -m 1777 /home/wherry /home/wherry/.docker /home/wherry/.local /home/wherry/.local/share \
    /home/wherry/.local/share/wherry /workspace
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=bundle /wherry/package.json /wherry/LICENSE /opt/wherry/
COPY --from=bundle /wherry/bin /opt/wherry/bin
COPY --from=bundle /wherry/dist /opt/wherry/dist
# koffi has a native part, so it is not in the bundle.
COPY --from=bundle /wherry/node_modules/koffi /opt/wherry/node_modules/koffi
COPY --from=bundle /wherry/node_modules/@koromix /opt/wherry/node_modules/@koromix
RUN ln -s /opt/wherry/bin/wherry.js /usr/local/bin/wherry
# Also for users that /etc/passwd does not know, who would otherwise have / for a home.
ENV HOME=/home/wherry
USER wherry
# A volume is on the disk of the host, where layers are stacked by overlay mounts; the container's own root cannot do that.
VOLUME /home/wherry/.local/share/wherry
WORKDIR /workspace
ENTRYPOINT ["wherry"]
CMD ["--help"]
