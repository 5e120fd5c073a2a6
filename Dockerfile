# wherry in a container: builds images inside it need no daemon; see `wherry doctor` for what the host must allow.
FROM node:20-bookworm-slim AS build
WORKDIR /wherry
COPY . .
RUN npm ci --no-audit --no-fund && npm prune --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:20-bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates uidmap util-linux xz-utils zstd \
 && rm -rf /var/lib/apt/lists/* \
 && echo node:100000:65536 > /etc/subuid && cp /etc/subuid /etc/subgid
COPY --from=build /wherry/package.json /wherry/LICENSE /opt/wherry/
COPY --from=build /wherry/bin /opt/wherry/bin
COPY --from=build /wherry/dist /opt/wherry/dist
# koffi has a native part, so it is not in the bundle.
COPY --from=build /wherry/node_modules/koffi /opt/wherry/node_modules/koffi
COPY --from=build /wherry/node_modules/@koromix /opt/wherry/node_modules/@koromix
RUN ln -s /opt/wherry/bin/wherry.js /usr/local/bin/wherry
USER node
VOLUME /home/node/.local/share/wherry
WORKDIR /workspace
ENTRYPOINT ["wherry"]
