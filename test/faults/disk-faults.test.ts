import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type DiskFault, endDiskFault, openFaultyDisk, orderDiskFault } from './disk-faults.ts'

let folder: string
let order: string
let path: string

class Died extends Error {}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'streampay-disk-'))
  order = join(folder, 'order.json')
  path = join(folder, 'file')
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

function disk() {
  const opened = openFaultyDisk(order, () => {
    throw new Died()
  })
  const fd = opened.files.open(path)
  const write = (text: string, position: number) => opened.files.write(fd, [Buffer.from(text)], position)
  return { ...opened, write, sync: () => opened.files.sync(fd), close: () => opened.files.close(fd) }
}

const content = () => readFileSync(path, 'utf8')

describe('a disk that can be ordered to fail', () => {
  it('works as long as no fault is ordered', async () => {
    const { write, sync, close } = disk()
    write('abc', 0)
    await sync()
    close()
    expect(content()).toBe('abc')
  })

  it('is full after the ordered number of bytes, for the next process too, until the order is removed', () => {
    const first = disk()
    orderDiskFault(order, { kind: 'full-disk', roomBytes: 5 })
    first.write('abc', 0)
    first.reread()
    first.write('abc', 0)
    expect(() => first.write('defg', 3)).toThrow('ENOSPC')
    expect(content()).toBe('abcde')
    expect(() => first.write('x', 5)).toThrow('ENOSPC')
    first.close()
    const second = disk()
    expect(() => second.write('0123456789', 0)).toThrow('ENOSPC')
    endDiskFault(order)
    second.reread()
    second.write('0123456789', 0)
    second.close()
    expect(content()).toBe('0123456789')
  })

  it('tears one write, and the process ends with it', () => {
    orderDiskFault(order, { kind: 'torn-write', share: 0.5 })
    const first = disk()
    expect(() => first.write('abcdef', 0)).toThrow(Died)
    first.close()
    expect(content()).toBe('abc')
    const second = disk()
    second.write('abcdef', 0)
    second.close()
    expect(content()).toBe('abcdef')
  })

  it('fails one sync, and works for the next process', async () => {
    const fault: DiskFault = { kind: 'failing-sync' }
    const first = disk()
    orderDiskFault(order, fault)
    first.reread()
    await expect(first.sync()).rejects.toThrow('EIO')
    first.close()
    const second = disk()
    await second.sync()
    second.close()
  })
})
