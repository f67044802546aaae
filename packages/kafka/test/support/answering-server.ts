/** A server that answers as a test wants it, and a connection to it. */
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { type Connection, type ConnectionOptions, openConnection } from '../../src/connection/connection.ts'
import {
  apiByKey,
  apis,
  decodeRequestHeader,
  encodeResponseHeader,
  FrameSplitter,
  type ResponseInputOf,
} from '../../src/wire/index.ts'

export type Asked = {
  readonly key: number
  readonly version: number
  readonly correlationId: number
  readonly body: Buffer
}
export type Server = {
  readonly address: { readonly host: string; readonly port: number }
  /** In the order of their coming. */
  readonly asked: Asked[]
  readonly sockets: Socket[]
}

/** Answers what `respond` gives for each request; nothing for undefined. */
export async function serve(respond: (asked: Asked, socket: Socket) => Buffer | undefined): Promise<Server> {
  const asked: Asked[] = []
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    const frames = new FrameSplitter()
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      frames.push(chunk as Buffer)
      for (let frame = frames.next(1e6); frame !== null; frame = frames.next(1e6)) {
        const { header, bodyOffset } = decodeRequestHeader(frame)
        const request = { key: header.apiKey, version: header.apiVersion, ...header, body: frame.subarray(bodyOffset) }
        asked.push(request)
        const response = respond(request, socket)
        if (response !== undefined) socket.write(response)
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { address: { host: '127.0.0.1', port: (server.address() as AddressInfo).port }, asked, sockets }
}

export function framed({ key, version, correlationId }: Asked, body: Buffer): Buffer {
  const header = encodeResponseHeader({ correlationId }, apiByKey(key)?.responseHeaderVersion(version) ?? 0)
  const length = Buffer.alloc(4)
  length.writeInt32BE(header.length + body.length)
  return Buffer.concat([length, header, body])
}

const spoken = [apis.apiVersions, apis.metadata, apis.saslHandshake, apis.saslAuthenticate, apis.heartbeat]

export function versionsAnswer(asked: Asked): Buffer {
  const apiKeys = spoken.map(({ key, minVersion, maxVersion }) => ({ apiKey: key, minVersion, maxVersion }))
  const body = { errorCode: 0, apiKeys, throttleTimeMs: 0, supportedFeatures: [], finalizedFeatures: [] }
  return framed(asked, apis.apiVersions.encodeResponse(asked.version, body as ResponseInputOf<typeof apis.apiVersions>))
}

/** Requests that a test does not set up itself: versions. */
export function afterVersions(respond: (asked: Asked, socket: Socket) => Buffer | undefined) {
  return serve((asked, socket) => (asked.key === apis.apiVersions.key ? versionsAnswer(asked) : respond(asked, socket)))
}

export async function opened(server: Server, options: Partial<ConnectionOptions> = {}): Promise<Connection> {
  const connection = await openConnection({
    address: server.address,
    client: { clientId: 'me' },
    connectTimeoutMs: 2_000,
    requestTimeoutMs: 2_000,
    clock: systemClock,
    onLost: () => undefined,
    ...options,
  })
  onTestFinished(() => connection.close())
  return connection
}
