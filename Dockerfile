# syntax=docker/dockerfile:1
# One image for every service: compose.yaml says which one a container runs. Sources run as they are, by type stripping;
# only the UI is built.

FROM node:26-slim AS ui
WORKDIR /streampay
COPY . .
RUN npm ci --ignore-scripts --loglevel=error --include-workspace-root=false --workspace=@streampay/ui
RUN cd apps/ui && node ../../node_modules/vite/bin/vite.js build

FROM node:26-slim AS dependencies
WORKDIR /streampay
COPY . .
# What the services need at run time, without the UI's and the tests' packages; Node itself is the image's.
RUN npm ci --ignore-scripts --loglevel=error --omit=dev --include-workspace-root=false \
    --workspace=@streampay/payments --workspace=@streampay/api --workspace=@streampay/identity \
    --workspace=@streampay/simulation --workspace=@streampay/audit

FROM node:26-slim
ENV NODE_ENV=production NODE_COMPILE_CACHE=/tmp/node-compile-cache
WORKDIR /streampay
COPY --from=dependencies /streampay/node_modules node_modules
COPY package.json ./
COPY packages packages
COPY apps apps
COPY --from=ui /streampay/apps/ui/dist apps/ui/dist
# Certificates, keys and sessions: a volume in compose.yaml. Nothing else is written, and not by root.
RUN mkdir /data && chown node:node /data
VOLUME /data
USER node
CMD ["node", "apps/api/src/main.ts"]
