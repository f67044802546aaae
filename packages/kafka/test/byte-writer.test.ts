/** What is written is read by programs of other authors: each value has exactly the bytes that the protocol says. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteReader, INT64_MAX } from '../src/wire/byte-reader.ts'
import { ByteWriter } from '../src/wire/byte-writer.ts'
import { MalformedError } from '../src/wire/index.ts'

type Write = (writer: ByteWriter) => void

function written(write: Write): string {
  // Too small for all values: the writer has to grow.
  const writer = new ByteWriter(0)
  write(writer)
  const bytes = writer.finish()
  expect(writer.length).toBe(bytes.length)
  return bytes.toString('hex')
}

describe('a writer', () => {
  it.each<[string, Write, string]>([
    ['false', (writer) => writer.bool(false), '00'],
    ['true', (writer) => writer.bool(true), '01'],
    ['int8 -128', (writer) => writer.int8(-128), '80'],
    ['int16 -2', (writer) => writer.int16(-2), 'fffe'],
    ['int32 258', (writer) => writer.int32(258), '00000102'],
    ['float64 1.5', (writer) => writer.float64(1.5), '3ff8000000000000'],
    ['int64 2^32 + 2', (writer) => writer.int64(2 ** 32 + 2), '0000000100000002'],
    ['int64 -1', (writer) => writer.int64(-1), 'ffffffffffffffff'],
    ['the least int64', (writer) => writer.int64(Number.MIN_SAFE_INTEGER), 'ffe0000000000001'],
    ['the largest exact int64', (writer) => writer.int64(INT64_MAX - 1), '001ffffffffffffe'],
    ['the number for the largest int64', (writer) => writer.int64(INT64_MAX), '7fffffffffffffff'],
    ['uvarint 127', (writer) => writer.uvarint(127), '7f'],
    ['uvarint 128', (writer) => writer.uvarint(128), '8001'],
    ['uvarint 2^32 - 1', (writer) => writer.uvarint(2 ** 32 - 1), 'ffffffff0f'],
    ['varint 0', (writer) => writer.varint(0), '00'],
    ['varint -1', (writer) => writer.varint(-1), '01'],
    ['varint 64', (writer) => writer.varint(64), '8001'],
    ['varint -65', (writer) => writer.varint(-65), '8101'],
    ['varint 63', (writer) => writer.varint(63), '7e'],
    ['varint -64', (writer) => writer.varint(-64), '7f'],
    ['the largest varint', (writer) => writer.varint(Number.MAX_SAFE_INTEGER), 'feffffffffffff1f'],
    ['the least varint', (writer) => writer.varint(Number.MIN_SAFE_INTEGER), 'fdffffffffffff1f'],
    ['a string', (writer) => writer.string('üa'), '0003c3bc61'],
    ['a nullable string', (writer) => writer.nullableString('a'), '000161'],
    ['null as a string', (writer) => writer.nullableString(null), 'ffff'],
    ['a compact string', (writer) => writer.compactString('ü'), '03c3bc'],
    ['null as a compact string', (writer) => writer.compactNullableString(null), '00'],
    ['a compact nullable string', (writer) => writer.compactNullableString('a'), '0261'],
    ['bytes', (writer) => writer.bytes(Buffer.from([9])), '0000000109'],
    ['nullable bytes', (writer) => writer.nullableBytes(Buffer.from([9])), '0000000109'],
    ['null as bytes', (writer) => writer.nullableBytes(null), 'ffffffff'],
    ['compact bytes', (writer) => writer.compactBytes(Buffer.from([9])), '0209'],
    ['compact nullable bytes', (writer) => writer.compactNullableBytes(Buffer.from([9])), '0209'],
    ['null as compact bytes', (writer) => writer.compactNullableBytes(null), '00'],
    ['the length of an array', (writer) => writer.arrayLength(-1), 'ffffffff'],
    ['the compact length of an array', (writer) => writer.compactArrayLength(2), '03'],
    ['null as a compact array', (writer) => writer.compactArrayLength(-1), '00'],
    ['a uuid', (writer) => writer.uuid('00112233-4455-6677-8899-AABBCCDDEEFF'), '00112233445566778899aabbccddeeff'],
  ])('writes %s', (_, write, hex) => {
    expect(written(write)).toBe(hex)
  })

  it.each<[string, Write]>([
    ['a string that is a byte too long for its length', (writer) => writer.string('a'.repeat(0x8000))],
    ['a string that is too long in UTF-8 alone', (writer) => writer.nullableString('ü'.repeat(0x4000))],
    ['an int64 past the safe integers', (writer) => writer.int64(2 ** 53)],
    ['an int64 that is no integer', (writer) => writer.int64(0.5)],
    ['a uuid with a digit too few', (writer) => writer.uuid('00112233-4455-6677-8899-aabbccddeef')],
    ['a uuid with a digit too many', (writer) => writer.uuid('00112233-4455-6677-8899-aabbccddeeff0')],
    ['a uuid with a letter that is no digit', (writer) => writer.uuid('00112233-4455-6677-8899-aabbccddeefg')],
  ])('refuses %s', (_, write) => {
    expect(() => written(write)).toThrow(MalformedError)
  })

  it('writes a string of the largest length', () => {
    expect(written((writer) => writer.string('a'.repeat(0x7fff))).slice(0, 6)).toBe('7fff61')
  })

  it('keeps what it has written when it grows, by any steps', () => {
    fc.assert(
      fc.property(fc.nat(20), fc.array(fc.uint8Array({ maxLength: 200 })), (initialBytes, parts) => {
        const writer = new ByteWriter(initialBytes)
        for (const part of parts) writer.raw(Buffer.from(part))
        expect(writer.finish()).toEqual(Buffer.concat(parts))
      }),
    )
  })

  it('has claimed bytes in its length, and says where they begin', () => {
    const writer = new ByteWriter(2)
    expect([writer.claim(2), writer.claim(3), writer.claim(0), writer.length]).toEqual([0, 2, 5, 5])
  })

  it('writes numbers that a reader reads back', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.nat(0xffff_ffff), (long, unsigned) => {
        const writer = new ByteWriter(8)
        writer.int64(long)
        writer.uvarint(unsigned)
        const reader = new ByteReader(writer.finish())
        expect([reader.int64(), reader.uvarint()]).toEqual([long, unsigned])
        expect(reader.position).toBe(reader.end)
      }),
    )
  })
})
