/** `GET /metrics` for Prometheus on a port of its own, because metrics are for operators, not for clients. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Registry } from 'prom-client'

/** The address on which `/metrics` is served, over plain HTTP. Port 0: any free port. */
export type MetricsAddress = { readonly host: string; readonly port: number }
export type MetricsServer = { readonly port: number; readonly close: () => Promise<void> }

/** @throws the error of the listener (EADDRINUSE) */
export async function serveMetrics(registry: Registry, { host, port }: MetricsAddress): Promise<MetricsServer> {
  const server = createServer((request, response) => {
    const isRead = request.method === 'GET' || request.method === 'HEAD'
    if (!isRead || request.url?.split('?')[0] !== '/metrics') {
      response.writeHead(404).end()
      return
    }
    registry.metrics().then(
      (text) => response.writeHead(200, { 'content-type': registry.contentType }).end(text),
      () => response.writeHead(500).end(),
    )
  })
  const { promise: listening, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen(port, host, resolve)
  await listening
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      const { promise: closed, resolve: onClosed } = Promise.withResolvers<void>()
      server.close(() => onClosed())
      server.closeAllConnections()
      await closed
    },
  }
}
