/** Each fault of a folder does to a real store what the harness says, and the store reacts as the harness expects. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type LocalStore, openLocalStore } from '../../packages/local-store/src/index.ts'
import { SeededRandom } from '../support/seeded-random.ts'
import { unmet } from './state-faults.ts'
import {
  copyFolder,
  deleteFolder,
  type Expectation,
  expectedOfCopy,
  isThere,
  swapFolders,
  truncateData,
  writeGarbage,
} from './state-folder.ts'

let root: string
let left: LocalStore[] = []

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'streampay-state-'))
  left = []
})

afterEach(async () => {
  for (const store of left) await store.close()
  rmSync(root, { recursive: true, force: true })
})

const at = (name: string) => join(root, name)

async function opened(name: string, format = 'one') {
  const found = await openLocalStore({ folder: at(name), format, maxBytes: 16 * 1024 * 1024 })
  left.push(found.store)
  return { ...found, content: found.store.table('t').get(Buffer.from('key'))?.toString() }
}

async function closed(name: string, format = 'one'): Promise<void> {
  const { store } = await opened(name, format)
  const table = store.table('t')
  store.write((batch) => batch.put(table, Buffer.from('key'), Buffer.from(name)))
  await store.close()
}

/** The violations that are left. */
function held(expected: Expectation, wiped: string | undefined): string[] {
  const folder = { path: 'folder', application: undefined }
  return unmet([{ folder, expected }], wiped === undefined ? [] : [{ application: undefined, reason: wiped }])
}

describe('a fault of a folder of state', () => {
  it('deletes it', async () => {
    await closed('a')
    const expected = deleteFolder(at('a'))
    expect(isThere(at('a'))).toBe(false)
    const { wiped, content } = await opened('a')
    expect([held(expected, wiped), content]).toEqual([[], undefined])
  })

  it('cuts its data file or writes garbage into it, and it is wiped', async () => {
    const seen = new Set<string>()
    for (let seed = 0; seed < 8; seed++) {
      const random = new SeededRandom(`${seed}`)
      for (const fault of [truncateData, writeGarbage]) {
        await closed('a')
        const expected = await fault(at('a'), random)
        const { wiped, content, store } = await opened('a')
        expect([expected?.wiped, held(expected, wiped), content]).toEqual([expect.any(RegExp), [], undefined])
        seen.add(String(expected?.wiped))
        await store.close()
      }
    }
    expect(seen.size).toBe(3)
  })

  it('puts back a copy, which is used if its owner had closed it', async () => {
    await closed('a')
    await copyFolder(at('a'), at('old'))
    const { store } = await opened('a')
    await copyFolder(at('a'), at('open'))
    await store.close()
    for (const [copy, text] of [
      ['old', 'a'],
      ['open', undefined],
    ] as const) {
      await copyFolder(at(copy), at('a'))
      const { wiped, content, store: found } = await opened('a')
      expect([held(expectedOfCopy(at(copy)), wiped), content]).toEqual([[], text])
      await found.close()
    }
  })

  it('swaps it with another, existing or not', async () => {
    await closed('a')
    await closed('b', 'two')
    await swapFolders(at('a'), at('b'))
    expect(await opened('a', 'two')).toMatchObject({ wiped: undefined, content: 'b' })
    expect((await opened('b', 'two')).wiped).toBe('its format is "one", but "two" is needed')
    await left.pop()?.close()
    await swapFolders(at('b'), at('c'))
    expect([isThere(at('b')), isThere(at('c'))]).toEqual([false, true])
  })
})

describe('the expected result for a folder', () => {
  it('is reported if it did not happen', () => {
    const cut = { wiped: /^cut/ }
    expect(held(cut, undefined)).toEqual(['folder was not wiped by /^cut/, but believed'])
    expect(held(cut, 'of another')).toEqual(['folder was not wiped by /^cut/, but of another'])
    expect(held({ wiped: 'never' }, 'a copy')).toEqual(['folder was wiped, though nothing was wrong: a copy'])
    for (const [expected, wiped] of [
      [cut, 'cut short'],
      [{ wiped: 'never' }, undefined],
      [undefined, undefined],
      [undefined, 'cut short'],
    ] as const) {
      expect(held(expected, wiped)).toEqual([])
    }
  })
})
