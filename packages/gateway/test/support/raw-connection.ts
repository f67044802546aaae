/** Connections that are not well behaved: bytes as the test writes them, from the address that it chooses. */
import { once } from 'node:events'
import { connect, type TLSSocket } from 'node:tls'

export type RawOptions = {
  readonly port: number
  readonly protocol?: 'h2' | 'http/1.1'
  /** All of 127.0.0.0/8 is this machine on Linux. */
  readonly from?: string
}

export type RawConnection = {
  readonly socket: TLSSocket
  /** Everything that came so far, as Latin-1. */
  readonly text: () => string
  readonly closed: Promise<void>
}

/** Rejects if the connection ends before TLS is there. */
export async function openRaw({ port, protocol = 'http/1.1', from }: RawOptions): Promise<RawConnection> {
  const socket = connect({
    host: '127.0.0.1',
    port,
    rejectUnauthorized: false,
    ALPNProtocols: [protocol],
    ...(from === undefined ? {} : { localAddress: from }),
  })
  const closed = new Promise<void>((resolve) => void socket.once('close', () => resolve()))
  let text = ''
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1')
  })
  await once(socket, 'secureConnect')
  socket.on('error', () => undefined)
  return { socket, text: () => text, closed }
}

const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
export const frameTypes = { data: 0, headers: 1, settings: 4, ping: 6, continuation: 9 } as const

type Frame = { readonly flags?: number; readonly stream?: number; readonly payload?: Buffer }

/** RFC 9113, section 4.1. */
export function frameOf(type: number, { flags = 0, stream = 0, payload = Buffer.alloc(0) }: Frame): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

export function beginHttp2(socket: TLSSocket): void {
  socket.write(Buffer.concat([Buffer.from(preface), frameOf(frameTypes.settings, {})]))
}

/** A field as a literal without indexing and without Huffman code (RFC 7541, section 6.2.2). Texts are Latin-1. */
export function fieldOf(name: string, value: string): Buffer {
  const text = (content: string) => Buffer.concat([lengthOf(content.length), Buffer.from(content, 'latin1')])
  return Buffer.concat([Buffer.from([0]), text(name), text(value)])
}

function lengthOf(length: number): Buffer {
  if (length < 127) return Buffer.from([length])
  if (length >= 127 + 128) return Buffer.from([127, 0x80 | ((length - 127) & 127), (length - 127) >> 7])
  return Buffer.from([127, length - 127])
}

export function requestFields(method: string, path: string, fields: readonly (readonly [string, string])[]): Buffer {
  const pseudo = [
    [':method', method],
    [':scheme', 'https'],
    [':authority', 'localhost'],
    [':path', path],
  ] as const
  return Buffer.concat([...pseudo, ...fields].map(([name, value]) => fieldOf(name, value)))
}
