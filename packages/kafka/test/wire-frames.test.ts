/** Where a frame ends, and where the body begins in it: one byte off, and everything behind it is read as something else. */
import fc from 'fast-check'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import {
  apis,
  decodeRequestHeader,
  decodeResponseHeader,
  encodeRequestHeader,
  encodeResponseHeader,
  FrameError,
  FrameSplitter,
} from '../src/wire/index.ts'

function framed(content: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeInt32BE(content.length)
  return Buffer.concat([length, content])
}

function framesOf(splitter: FrameSplitter, maxFrameBytes = 1000): Buffer[] {
  const frames: Buffer[] = []
  for (let frame = splitter.next(maxFrameBytes); frame !== null; frame = splitter.next(maxFrameBytes))
    frames.push(frame)
  return frames
}

describe('a stream of frames', () => {
  it('is the same however its bytes come', () => {
    const contents = fc.array(fc.uint8Array({ maxLength: 20 }), { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(contents, fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), (arrays, steps) => {
        const frames = arrays.map((bytes) => Buffer.from(bytes))
        const stream = Buffer.concat(frames.map(framed))
        const splitter = new FrameSplitter()
        const found: Buffer[] = []
        for (let at = 0, turn = 0; at < stream.length; turn++) {
          const end = at + (steps[turn % steps.length] ?? 1)
          splitter.push(stream.subarray(at, end))
          found.push(...framesOf(splitter))
          at = end
        }
        expect(found).toEqual(frames)
        expect(splitter.hasBegun).toBe(false)
      }),
    )
  })

  it('has begun a frame when any byte of it is there', () => {
    const splitter = new FrameSplitter()
    expect([splitter.next(10), splitter.hasBegun]).toEqual([null, false])
    splitter.push(Buffer.from([0]))
    expect([splitter.next(10), splitter.hasBegun]).toEqual([null, true])
    splitter.push(Buffer.from([0, 0, 1, 7, 0]))
    expect([splitter.next(10), splitter.hasBegun]).toEqual([Buffer.from([7]), true])
  })

  it('is copied only where a frame comes in several pieces, and once then', () => {
    const concat = vi.spyOn(Buffer, 'concat')
    onTestFinished(() => concat.mockRestore())
    const splitter = new FrameSplitter()
    const pieces = [[0, 0, 0, 6], [1], [2, 3], [4, 5], [6, 0, 0, 0]].map((bytes) => Buffer.from(bytes))
    for (const piece of pieces.slice(0, -1)) {
      splitter.push(piece)
      expect(splitter.next(10)).toBeNull()
    }
    expect(concat).not.toHaveBeenCalled()
    splitter.push(pieces.at(-1) ?? Buffer.alloc(0))
    expect(splitter.next(10)).toEqual(Buffer.from([1, 2, 3, 4, 5, 6]))
    expect(concat).toHaveBeenCalledTimes(1)
    splitter.push(Buffer.from([0]))
    expect(framesOf(splitter)).toEqual([Buffer.alloc(0)])
    concat.mockClear()
    const whole = new FrameSplitter()
    for (let turn = 0; turn < 3; turn++) {
      const received = Buffer.from([0, 0, 0, 1, turn])
      whole.push(received)
      const frame = whole.next(10)
      received[4] = 9
      expect(frame).toEqual(Buffer.from([9]))
    }
    expect(concat).not.toHaveBeenCalled()
  })

  it.each([
    ['as long as is allowed', 10, 10],
    ['empty', 0, 0],
  ])('may have a frame that is %s', (_, length, max) => {
    const splitter = new FrameSplitter()
    splitter.push(framed(Buffer.alloc(length, 1)))
    expect(splitter.next(max)).toEqual(Buffer.alloc(length, 1))
  })

  it.each([
    ['a byte longer than is allowed', [0, 0, 0, 11]],
    ['shorter than nothing', [0xff, 0xff, 0xff, 0xff]],
  ])('is refused with a frame that is %s, before its bytes come', (_, length) => {
    const whole = new FrameSplitter()
    whole.push(Buffer.from(length))
    expect(() => whole.next(10)).toThrow(FrameError)
    const cut = new FrameSplitter()
    cut.push(Buffer.from(length.slice(0, 3)))
    expect(cut.next(10)).toBeNull()
    cut.push(Buffer.from(length.slice(3)))
    expect(() => cut.next(10)).toThrow(FrameError)
  })
})

describe('the header of a request', () => {
  const { key: apiKey, minVersion, maxVersion, firstFlexible } = apis.metadata
  const body = Buffer.from('body')
  const versions = Array.from({ length: maxVersion - minVersion + 1 }, (_, index) => minVersion + index)
  const header = { apiKey, correlationId: -2, clientId: 'für ada' }

  it.each(versions)('of version %i of an API is read as it was written, up to the body', (apiVersion) => {
    const bytes = Buffer.concat([encodeRequestHeader({ ...header, apiVersion }), body])
    const decoded = decodeRequestHeader(bytes)
    expect(decoded.header).toEqual({ ...header, apiVersion })
    expect(bytes.subarray(decoded.bodyOffset)).toEqual(body)
  })

  it('may name no client', () => {
    const bytes = encodeRequestHeader({ ...header, apiVersion: maxVersion, clientId: null })
    expect(decodeRequestHeader(bytes).header.clientId).toBeNull()
  })

  it('may hold fields that are not known, where the version has a place for them', () => {
    const plain = encodeRequestHeader({ ...header, apiVersion: firstFlexible })
    const bytes = Buffer.concat([plain.subarray(0, -1), Buffer.from([1, 5, 2, 9, 9]), body])
    expect(bytes.subarray(decodeRequestHeader(bytes).bodyOffset)).toEqual(body)
  })

  it.each([
    ['a version below the least', apiKey, minVersion - 1],
    ['a version above the greatest', apiKey, maxVersion + 1],
    ['an API that is not there', 999, 0],
  ])('of %s is read as far as all versions share it', (_, key, apiVersion) => {
    const bytes = encodeRequestHeader({ ...header, apiKey: key, apiVersion })
    expect(decodeRequestHeader(bytes)).toEqual({
      header: { apiKey: key, apiVersion, correlationId: -2, clientId: null },
      bodyOffset: 8,
    })
  })
})

describe('the header of a response', () => {
  it.each([
    [0, [0, 0, 1, 2]],
    [1, [0, 0, 1, 2, 0]],
  ] as const)('of version %i is read as it was written', (version, bytes) => {
    const encoded = encodeResponseHeader({ correlationId: 258 }, version)
    expect([...encoded]).toEqual(bytes)
    expect(decodeResponseHeader(Buffer.concat([encoded, Buffer.from('body')]), version)).toEqual({
      header: { correlationId: 258 },
      bodyOffset: bytes.length,
    })
  })

  it('may hold fields that are not known', () => {
    const bytes = Buffer.from([0, 0, 0, 1, 1, 5, 2, 9, 9, 7])
    expect(decodeResponseHeader(bytes, 1).bodyOffset).toBe(9)
  })
})
