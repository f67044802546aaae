/** The numbers, texts and lengths that all messages are made of: one that is read wrongly moves everything behind it. */
import { describe, expect, it } from 'vitest'
import { ByteReader, INT64_MAX } from '../src/wire/byte-reader.ts'
import { MalformedError } from '../src/wire/index.ts'

type Read = (reader: ByteReader) => unknown

const readerOf = (hex: string) => new ByteReader(Buffer.from(hex, 'hex'))
const uvarint: Read = (reader) => reader.uvarint()
const int64: Read = (reader) => reader.int64()
const bool: Read = (reader) => reader.bool()

describe('a reader', () => {
  it.each<[string, Read, string, unknown]>([
    ['bool', bool, '00', false],
    ['bool', bool, '01', true],
    ['bool', bool, 'ff', true],
    ['int8', (reader) => reader.int8(), '80', -128],
    ['int16', (reader) => reader.int16(), 'fffe', -2],
    ['int32', (reader) => reader.int32(), '80000000', -(2 ** 31)],
    ['float64', (reader) => reader.float64(), '3ff8000000000000', 1.5],
    ['int64', int64, '0000000100000002', 2 ** 32 + 2],
    ['int64', int64, 'ffffffffffffffff', -1],
    ['int64', int64, '001ffffffffffffe', Number.MAX_SAFE_INTEGER - 1],
    ['int64', int64, 'ffe0000000000001', -Number.MAX_SAFE_INTEGER],
    ['int64', int64, '7fffffffffffffff', INT64_MAX],
    ['uvarint', uvarint, '7f', 127],
    ['uvarint', uvarint, '8001', 128],
    ['uvarint', uvarint, 'ff7f', 16_383],
    ['uvarint', uvarint, 'ffffffff0f', 2 ** 32 - 1],
    ['uvarint', uvarint, '8000', 0],
    ['uuid', (reader) => reader.uuid(), '00112233445566778899aabbccddeeff', '00112233-4455-6677-8899-aabbccddeeff'],
    ['string', (reader) => reader.string(), '0003c3bc61', 'üa'],
    ['empty string', (reader) => reader.string(), '0000', ''],
    ['nullable string', (reader) => reader.nullableString(), 'ffff', null],
    ['compact string', (reader) => reader.compactString(), '0261', 'a'],
    ['compact nullable string', (reader) => reader.compactNullableString(), '00', null],
    ['bytes', (reader) => reader.bytes(), '0000000209ff', Buffer.from([9, 255])],
    ['no bytes', (reader) => reader.bytes(), '00000000', Buffer.alloc(0)],
    ['nullable bytes', (reader) => reader.nullableBytes(), 'ffffffff', null],
    ['compact bytes', (reader) => reader.compactBytes(), '0207', Buffer.from([7])],
    ['compact nullable bytes', (reader) => reader.compactNullableBytes(), '00', null],
  ])('takes %s of %s and no byte more', (_, read, hex, expected) => {
    const reader = readerOf(`${hex}6f6f`)
    expect(read(reader)).toEqual(expected)
    expect(reader.position).toBe(hex.length / 2)
  })

  it.each<[string, Read, string]>([
    ['a string that is null', (reader) => reader.string(), 'ffff'],
    ['a compact string that is null', (reader) => reader.compactString(), '00'],
    ['bytes that are null', (reader) => reader.bytes(), 'ffffffff'],
    ['compact bytes that are null', (reader) => reader.compactBytes(), '00'],
    ['a string of length -2', (reader) => reader.nullableString(), 'fffe'],
    ['bytes of length -2', (reader) => reader.nullableBytes(), 'fffffffe'],
    ['an int64 just past the safe integers', int64, '0020000000000000'],
    ['an int64 just below the safe integers', int64, 'ffe0000000000000'],
    ['an int64 one below the largest', int64, '7ffffffffffffffe'],
    ['an int64 whose lower half alone is that of the largest', int64, '7ffffffeffffffff'],
    ['a uvarint of 2^32', uvarint, '8080808010'],
    ['a uvarint of six bytes', uvarint, '808080808000'],
  ])('refuses %s', (_, read, hex) => {
    expect(() => read(readerOf(`${hex}6f6f6f6f`))).toThrow(MalformedError)
  })

  it('reads within its range alone', () => {
    const reader = new ByteReader(Buffer.from([1, 2, 3, 4]), 1, 3)
    expect(() => reader.take(-1)).toThrow(MalformedError)
    expect(() => reader.take(3)).toThrow(MalformedError)
    expect(reader.position).toBe(1)
    expect(reader.take(2)).toBe(1)
    expect(reader.take(0)).toBe(3)
    expect(() => reader.int8()).toThrow('needs 1 bytes at 3, but only 0 are left')
  })

  it('gives views of bytes, and copies nothing', () => {
    const reader = readerOf('00000001aa')
    const bytes = reader.bytes()
    reader.buffer[4] = 0xbb
    expect(bytes).toEqual(Buffer.from([0xbb]))
  })
})

describe('the number of items of an array', () => {
  const plain: Read = (reader) => reader.arrayLength()
  const compact: Read = (reader) => reader.compactArrayLength()

  it.each<[string, Read, string, number]>([
    ['as many as there are bytes', plain, '00000002', 2],
    ['none', plain, '00000000', 0],
    ['null', plain, 'ffffffff', -1],
    ['as many as there are bytes, compact', compact, '03', 2],
    ['none, compact', compact, '01', 0],
    ['null, compact', compact, '00', -1],
  ])('may be %s', (_, read, hex, expected) => {
    expect(read(readerOf(`${hex}6f6f`))).toBe(expected)
  })

  it.each<[string, Read, string]>([
    ['more than there are bytes', plain, '00000003'],
    ['more than there are bytes, compact', compact, '04'],
    ['-2', plain, 'fffffffe'],
  ])('is refused if it is %s', (_, read, hex) => {
    expect(() => read(readerOf(`${hex}6f6f`))).toThrow(MalformedError)
  })
})

describe('tagged fields', () => {
  it.each([
    ['none', '00'],
    ['one without content', '010500'],
    ['two, each by its own length', '02' + '0002aabb' + '8001' + '01cc'],
  ])('are skipped: %s', (_, hex) => {
    const reader = readerOf(`${hex}6f`)
    reader.skipTags()
    expect(reader.position).toBe(hex.length / 2)
  })

  it.each([
    ['one is missing', '02' + '0001aa'],
    ['the content of one is cut off', '01' + '0003aabb'],
  ])('are refused if %s', (_, hex) => {
    expect(() => readerOf(hex).skipTags()).toThrow(MalformedError)
  })
})
