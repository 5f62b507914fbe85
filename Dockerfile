# Sluice without its development dependencies. The same image runs every role:
#   docker run … sluice start --role edge
FROM node:24.21.0-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
COPY patches patches
# Node is the image's own here; the npm package that brings it elsewhere is a development dependency.
RUN npm ci --omit=dev --no-audit --no-fund

FROM node:24.21.0-bookworm-slim
WORKDIR /app
ENV NODE_ENV=production HOST=0.0.0.0 SLUICE_HOME=/var/lib/sluice
RUN install --directory --owner=node --group=node --mode=0711 /var/lib/sluice
COPY --from=dependencies /app/node_modules node_modules
COPY package.json LICENSE ./
COPY bin bin
COPY migrations migrations
COPY rewrite-functions rewrite-functions
COPY src src
USER node
VOLUME /var/lib/sluice
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "require(process.env.TLS_CERT ? 'https' : 'http').get({ port: Number(process.env.ADMIN_PORT) || process.env.PORT || 8080, host: '127.0.0.1', path: '/health/ready', rejectUnauthorized: false }, (answer) => process.exit(answer.statusCode === 200 ? 0 : 1)).on('error', () => process.exit(1))"]
ENTRYPOINT ["node", "bin/sluice.js"]
CMD ["start"]
