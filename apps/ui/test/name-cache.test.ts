import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { User } from '../src/api/types.ts'
import { createNameCache, maxIdsAtOnce, maxKeptNames } from '../src/stores/name-cache.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

function setUp({ unknown = () => false }: { unknown?: (id: string) => boolean } = {}) {
  let time = 0
  const asked: (readonly string[])[] = []
  let isDown = false
  let held: Promise<void> = Promise.resolve()
  const fetchUsers = async (ids: readonly string[]): Promise<readonly User[]> => {
    asked.push(ids)
    await held
    if (isDown) throw new TypeError('Failed to fetch')
    return ids.filter((id) => !unknown(id)).map((id) => ({ id, name: `Name of ${id}`, username: id }))
  }
  const holdAnswers = () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    held = promise
    return resolve
  }
  const onChange = vi.fn()
  const cache = createNameCache({ fetchUsers, now: () => time, onChange })
  const pass = async (ms: number) => {
    time += ms
    await vi.advanceTimersByTimeAsync(ms)
  }
  return { cache, asked, pass, onChange, breakDown: (down: boolean) => (isDown = down), holdAnswers }
}

describe('names for ids', () => {
  it('are asked for together, each once', async () => {
    const { cache, asked, pass, onChange } = setUp()
    for (const id of ['a', 'b', 'a']) expect(cache.find(id)).toBeUndefined()
    await pass(30)
    expect(asked).toEqual([['a', 'b']])
    expect(cache.find('a')?.name).toBe('Name of a')
    await pass(1_000)
    expect(asked).toHaveLength(1)
    expect(onChange).toHaveBeenCalledTimes(1)
  })

  it('are asked for once while the answer is on its way', async () => {
    const { cache, asked, pass, holdAnswers } = setUp()
    const answer = holdAnswers()
    cache.find('a')
    await pass(30)
    cache.find('a')
    await pass(1_000)
    answer()
    await pass(1_000)
    expect(asked).toEqual([['a']])
    expect(cache.find('a')?.name).toBe('Name of a')
  })

  it('are requested in as many requests as the bound of one request needs', async () => {
    const { cache, asked, pass } = setUp()
    for (let index = 0; index < 2 * maxIdsAtOnce + 1; index += 1) cache.find(`id-${index}`)
    await pass(30)
    expect(asked.map(({ length }) => length)).toEqual([maxIdsAtOnce, maxIdsAtOnce, 1])
  })

  // The whole directory was loaded again every 3 s as long as an unknown id was shown.
  it('that the directory does not have are not asked for again with every look', async () => {
    const { cache, asked, pass } = setUp({ unknown: (id) => id === 'nobody' })
    for (let second = 0; second < 59; second += 1) {
      cache.find('nobody')
      await pass(1_000)
    }
    expect(asked).toEqual([['nobody']])
    await pass(2_000)
    cache.find('nobody')
    await pass(30)
    expect(asked).toHaveLength(2)
  })

  it('are requested again after a failure, but not at once', async () => {
    const { cache, asked, pass, breakDown } = setUp()
    breakDown(true)
    for (let round = 0; round < 10; round += 1) {
      cache.find('a')
      await pass(100)
    }
    expect(asked).toHaveLength(1)
    breakDown(false)
    await pass(5_000)
    cache.find('a')
    await pass(30)
    expect(cache.find('a')?.name).toBe('Name of a')
  })

  it('are requested anew after a while, and the old ones are shown meanwhile', async () => {
    const { cache, asked, pass } = setUp()
    cache.find('a')
    await pass(30)
    await pass(5 * 60_000)
    expect(cache.find('a')?.name).toBe('Name of a')
    await pass(30)
    expect(asked).toHaveLength(2)
  })

  it('are kept within a bound, the newest', async () => {
    const { cache } = setUp()
    for (let index = 0; index <= maxKeptNames; index += 1)
      cache.remember({ id: `id-${index}`, name: 'N', username: 'n' })
    expect(cache.users()).toHaveLength(maxKeptNames)
    expect(cache.peek('id-0')).toBeUndefined()
    expect(cache.peek(`id-${maxKeptNames}`)).toBeDefined()
  })

  it('can be awaited, and a failure is thrown', async () => {
    const { cache, asked, breakDown } = setUp({ unknown: (id) => id === 'nobody' })
    await cache.resolve(['a', 'nobody'])
    expect(cache.peek('a')).toBeDefined()
    expect(cache.peek('nobody')).toBeUndefined()
    await cache.resolve(['a'])
    expect(asked).toEqual([['a', 'nobody']])
    breakDown(true)
    await expect(cache.resolve(['b'])).rejects.toThrow('Failed to fetch')
  })
})
