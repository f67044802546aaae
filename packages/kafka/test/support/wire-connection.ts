import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type Api, decodeResponseHeader, encodeRequestHeader } from '../../src/wire/index.ts'

/** A client with the codec only: any bytes in a frame, and each answer by its correlation id. */
export class WireConnection {
  readonly #socket: Socket
  readonly #waiting = new Map<number, (frame: Buffer) => void>()
  #received: Buffer = Buffer.alloc(0)
  #correlationId = 0

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => this.#take(chunk as Buffer))
  }

  /** @param address `host:port` */
  static async open(address: string): Promise<WireConnection> {
    const at = address.lastIndexOf(':')
    const socket = connect(Number(address.slice(at + 1)), address.slice(0, at))
    await once(socket, 'connect')
    return new WireConnection(socket)
  }

  /** @param behind bytes that are sent after the body. @throws when the connection closes without an answer */
  async call<Req, ReqIn, Res, ResIn>(
    api: Api<Req, ReqIn, Res, ResIn>,
    body: ReqIn,
    { version = api.maxVersion, behind = Buffer.alloc(0) }: { version?: number; behind?: Buffer } = {},
  ): Promise<Res> {
    const correlationId = ++this.#correlationId
    const header = { apiKey: api.key, apiVersion: version, correlationId, clientId: 'test' }
    const frame = await this.exchange(
      Buffer.concat([encodeRequestHeader(header), api.encodeRequest(version, body), behind]),
      correlationId,
    )
    const { bodyOffset } = decodeResponseHeader(frame, api.responseHeaderVersion(version))
    return api.decodeResponse(version, frame.subarray(bodyOffset))
  }

  /** Sends a whole request, and resolves with the frame that answers this correlation id. */
  exchange(request: Buffer, correlationId: number): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const closed = () => reject(new Error('the connection closed before the answer came'))
      if (this.#socket.destroyed) return closed()
      this.#socket.once('close', closed)
      this.#waiting.set(correlationId, (frame) => {
        this.#socket.off('close', closed)
        resolve(frame)
      })
      const length = Buffer.alloc(4)
      length.writeInt32BE(request.length)
      this.#socket.write(Buffer.concat([length, request]))
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  #take(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk])
    while (this.#received.length >= 4 && this.#received.length >= 4 + this.#received.readInt32BE(0)) {
      const end = 4 + this.#received.readInt32BE(0)
      const frame = this.#received.subarray(4, end)
      this.#received = this.#received.subarray(end)
      const correlationId = frame.readInt32BE(0)
      this.#waiting.get(correlationId)?.(frame)
      this.#waiting.delete(correlationId)
    }
  }
}
