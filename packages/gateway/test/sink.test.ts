/** What a stream's response is handed, and when: Node is here a response that takes things when the test says so. */
import { EventEmitter } from 'node:events'
import type { Http2ServerResponse } from 'node:http2'
import { beforeEach, describe, expect, it } from 'vitest'
import { openSink, type Sink } from '../src/sse/sink.ts'

const pieceBytes = 64 * 1024

class SlowResponse extends EventEmitter {
  readonly written: Buffer[] = []
  writableLength = 0
  destroyed = false
  isEnded = false

  write(bytes: Buffer): boolean {
    this.written.push(bytes)
    this.writableLength += bytes.length
    return this.writableLength < pieceBytes
  }

  end(): void {
    this.isEnded = true
  }

  destroy(): void {
    this.destroyed = true
    this.emit('close')
  }

  /** The client takes all that there is. */
  take(): void {
    const isDrained = this.writableLength >= pieceBytes
    this.writableLength = 0
    if (isDrained) this.emit('drain')
  }

  get text(): string {
    return Buffer.concat(this.written).toString()
  }
}

let response: SlowResponse
let sink: Sink
beforeEach(() => {
  response = new SlowResponse()
  sink = openSink(response as unknown as Http2ServerResponse)
})

describe('a stream', () => {
  it('hands events on at once while its client takes them', () => {
    const bytes = Buffer.from('event')
    sink.write(bytes)
    sink.write(bytes)
    // The very buffer that other streams write, too.
    expect(response.written).toEqual([bytes, bytes])
    expect(response.written[0]).toBe(bytes)
  })

  it('gives a burst to its client piece by piece, whole and in order, and holds the rest by reference', () => {
    const burst = Buffer.alloc(3 * pieceBytes + 1, 'burst')
    sink.write(burst)
    sink.write(Buffer.from('after'))
    expect(response.writableLength).toBe(pieceBytes)
    expect(sink.bufferedBytes()).toBe(burst.length + 5)
    expect(response.written[0]?.buffer).toBe(burst.buffer)
    for (let taken = 0; sink.bufferedBytes() > 0; taken++) {
      expect(response.writableLength).toBeLessThanOrEqual(pieceBytes)
      expect(taken).toBeLessThan(5)
      response.take()
    }
    expect(response.text).toBe(`${burst}after`)
  })

  it.each([pieceBytes - 1, pieceBytes, pieceBytes + 1])('keeps the order around a piece of %d bytes', (size) => {
    sink.write(Buffer.alloc(size, 'x'))
    sink.write(Buffer.from('after'))
    while (sink.bufferedBytes() > 0) response.take()
    expect(response.text).toBe(`${'x'.repeat(size)}after`)
  })

  it('ends behind what is queued, and takes nothing more', () => {
    sink.write(Buffer.alloc(2 * pieceBytes, 'x'))
    sink.end()
    sink.write(Buffer.from('late'))
    expect(response.isEnded).toBe(false)
    response.take()
    expect([response.isEnded, response.text.length]).toEqual([true, 2 * pieceBytes])
  })

  it('drops what is queued when it is cut off', async () => {
    sink.write(Buffer.alloc(3 * pieceBytes, 'x'))
    const drained = sink.drained(10_000)
    sink.destroy()
    expect(await drained).toBe(false)
    expect([response.destroyed, response.isEnded]).toEqual([true, false])
    expect(sink.bufferedBytes()).toBe(response.writableLength)
    expect(await sink.drained(10_000)).toBe(false)
  })

  it('is drained when all of it is taken, and not before', async () => {
    expect(await sink.drained(10_000)).toBe(true)
    sink.write(Buffer.alloc(2 * pieceBytes, 'x'))
    let isDrained = false
    const drained = sink.drained(10_000).then((value) => {
      isDrained = value
    })
    response.take()
    await Promise.resolve()
    expect(isDrained).toBe(false)
    response.take()
    await drained
    expect(isDrained).toBe(true)
  })

  it('is not drained in time if its client takes nothing', async () => {
    sink.write(Buffer.alloc(pieceBytes, 'x'))
    expect(await sink.drained(1)).toBe(false)
  })

  it('whose client has gone holds nothing', () => {
    sink.write(Buffer.alloc(3 * pieceBytes, 'x'))
    response.writableLength = 0
    response.emit('close')
    expect(sink.bufferedBytes()).toBe(0)
    sink.write(Buffer.from('late'))
    expect(sink.bufferedBytes()).toBe(0)
  })
})
