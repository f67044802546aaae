import { chmodSync, lstatSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { batchOf } from '../support/batches.ts'
import { partitionOf, temporaryFolder, testStorage } from '../support/test-storage.ts'

/** The permissions of other users for a file or folder below this one. */
function openToOthers(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => {
    return (lstatSync(join(folder, name)).mode & 0o077) !== 0
  })
}

test.skipIf(process.platform === 'win32')('lets only the owner read what it writes', async () => {
  const parent = temporaryFolder()
  const dataDir = join(parent, 'data', 'broker')
  const before = process.umask(0)
  try {
    const storage = await testStorage({ dataDir })
    await storage.createTopic({ name: 'events', partitions: 2, config: {} })
    await partitionOf(storage, 'events').append(batchOf(['a secret']), 'client')
    await storage.close()
    expect(readdirSync(dataDir)).toEqual(expect.arrayContaining(['checkpoint', 'holder', 'lock', 'topics']))
    expect(openToOthers(parent)).toEqual([])
  } finally {
    process.umask(before)
  }
})

test.skipIf(process.platform === 'win32')(
  'closes what an older version left readable, but no folder above',
  async () => {
    const dataDir = join(temporaryFolder(), 'shared')
    mkdirSync(dataDir)
    const first = await testStorage({ dataDir })
    await first.close()
    chmodSync(dataDir, 0o755)
    for (const name of readdirSync(dataDir)) chmodSync(join(dataDir, name), 0o755)
    await testStorage({ dataDir })
    expect(openToOthers(dataDir)).toEqual([])
    expect(lstatSync(dataDir).mode & 0o777).toBe(0o755)
  },
)
