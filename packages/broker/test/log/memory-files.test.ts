/** Files in memory do what files on disk do, for all that the log asks of them. */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Files, nodeFiles } from '../../src/log/index.ts'
import { memoryFiles } from '../../src/log/memory-files.ts'
import { temporaryFolder } from '../support/test-storage.ts'

const maxBytes = 64 * 1024
const both: [string, () => Files][] = [
  ['on disk', () => nodeFiles],
  ['in memory', () => memoryFiles({ maxBytes })],
]

async function textOf(files: Files, fd: number, length: number, position = 0): Promise<string> {
  const buffer = Buffer.alloc(length, '.')
  const read = await files.read(fd, buffer, position)
  expect(files.readNow(fd, Buffer.alloc(length), position)).toBe(read)
  return buffer.toString('latin1', 0, read)
}

for (const [where, open] of both) {
  function setUp() {
    const files = open()
    const folder = join(temporaryFolder(), 'a', 'b')
    files.makeFolder(folder)
    return { files, folder, path: join(folder, 'file') }
  }

  test(`${where}: what is written anywhere in a file is read there`, async () => {
    const { files, path } = setUp()
    const fd = files.open(path)
    files.write(fd, [Buffer.from('abc'), Buffer.from('def')], 0)
    files.write(fd, [Buffer.from('X')], 1)
    files.write(fd, [Buffer.from('end')], 300)
    expect(files.sizeOf(path)).toBe(303)
    expect(await textOf(files, fd, 6)).toBe('aXcdef')
    expect(await textOf(files, fd, 10, 296)).toBe('\0\0\0\0end')
    expect(await textOf(files, fd, 10, 303)).toBe('')
    expect(await textOf(files, fd, 10, 5000)).toBe('')
    expect(files.readAll(path).subarray(300).toString()).toBe('end')
    files.close(fd)
  })

  test(`${where}: what was cut off reads as zeros when the file grows again`, async () => {
    const { files, path } = setUp()
    const fd = files.open(path)
    files.write(fd, [Buffer.from('abcdef')], 0)
    files.truncate(fd, 2)
    expect(files.sizeOf(path)).toBe(2)
    files.truncate(fd, 4)
    files.write(fd, [Buffer.from('z')], 5)
    expect(await textOf(files, fd, 10)).toBe('ab\0\0\0z')
    files.close(fd)
  })

  test(`${where}: a file that is opened again keeps its content, and one without its name is read by those who have it open`, async () => {
    const { files, folder, path } = setUp()
    const fd = files.open(path)
    files.write(fd, [Buffer.from('kept')], 0)
    const reader = files.openForReading(path)
    expect(await textOf(files, reader, 4)).toBe('kept')
    files.removeFile(path)
    expect(files.sizeOf(path)).toBeUndefined()
    expect(files.list(folder)).toEqual([])
    files.close(fd)
    expect(await textOf(files, reader, 4)).toBe('kept')
    files.close(reader)
    expect(() => files.openForReading(path)).toThrow(expect.objectContaining({ code: 'ENOENT' }))
    expect(() => files.readAll(path)).toThrow(expect.objectContaining({ code: 'ENOENT' }))
  })

  test(`${where}: a renamed file takes the place of another`, async () => {
    const { files, folder, path } = setUp()
    for (const [name, text] of [
      ['file', 'old'],
      ['file.new', 'new'],
    ] as const) {
      const fd = files.open(join(folder, name))
      files.write(fd, [Buffer.from(text)], 0)
      files.close(fd)
    }
    files.rename(`${path}.new`, path)
    expect(files.list(folder)).toEqual(['file'])
    expect(files.readAll(path).toString()).toBe('new')
  })

  test(`${where}: folders list what is in them, and go with it`, () => {
    const { files, folder } = setUp()
    const parent = join(folder, '..')
    files.close(files.open(join(folder, 'one')))
    files.makeFolder(join(folder, 'two'))
    files.makeFolder(folder)
    expect(files.list(folder).toSorted()).toEqual(['one', 'two'])
    expect(files.list(parent)).toEqual(['b'])
    files.removeFolder(folder)
    expect(files.list(folder)).toEqual([])
    expect(files.list(parent)).toEqual([])
    expect(files.sizeOf(join(folder, 'one'))).toBeUndefined()
    expect(() => files.open(join(folder, 'one'))).toThrow(expect.objectContaining({ code: 'ENOENT' }))
  })
}

test('in memory there is room for so many bytes, and what is removed makes room', async () => {
  const files = memoryFiles({ maxBytes })
  files.makeFolder('/a')
  const fd = files.open('/a/large')
  files.write(fd, [Buffer.alloc(maxBytes)], 0)
  const other = files.open('/a/other')
  expect(() => files.write(other, [Buffer.from('x')], 0)).toThrow(expect.objectContaining({ code: 'ENOSPC' }))
  expect((await files.space('/a')).usableBytes).toBe(0)
  files.removeFile('/a/large')
  // Who has it open still has its bytes.
  expect(() => files.write(other, [Buffer.from('x')], 0)).toThrow(expect.objectContaining({ code: 'ENOSPC' }))
  files.close(fd)
  files.write(other, [Buffer.from('x')], 0)
  expect(files.readAll('/a/other').toString()).toBe('x')
})
