import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { holdLock } from '../src/live/hub/hold-lock.ts'
import { sharedConnection } from '../src/live/hub-connections.ts'

const workerLock = 'streampay.live-worker.of-this-test'
let made: { readonly name: string; readonly error: () => void }[] = []
let answers = true

/** A worker that answers with its lock, or not at all; locks are those of Node. */
class FakeSharedWorker {
  onerror: (() => void) | undefined
  readonly #ends = new MessageChannel()
  readonly port = this.#ends.port1

  constructor(_url: URL, { name }: { readonly name: string }) {
    made.push({ name, error: () => this.onerror?.() })
    if (answers) this.#ends.port2.postMessage({ lock: workerLock })
  }
}

beforeEach(() => {
  made = []
  answers = true
  vi.stubGlobal('SharedWorker', FakeSharedWorker)
})
afterEach(() => vi.unstubAllGlobals())

async function heldLocks(): Promise<readonly (string | undefined)[]> {
  const { held = [] } = await navigator.locks.query()
  return held.map(({ name }) => name).filter((name) => name?.startsWith('streampay.live-tab.'))
}

describe('the connection to a shared worker', () => {
  it('belongs to one person, holds a lock until it is closed, and tells once that the worker is gone', async () => {
    const worker = await holdLock(workerLock)
    const lost = vi.fn()
    const left = vi.fn()
    const connection = await sharedConnection('ada', lost)
    const other = await sharedConnection('ada', left)
    expect(made.map(({ name }) => name)).toEqual(['ada', 'ada'])
    expect((await heldLocks()).toSorted()).toEqual([connection.lock, other.lock].toSorted())
    other.close()
    await expect.poll(heldLocks).toEqual([connection.lock])
    expect(lost).not.toHaveBeenCalled()
    worker.release()
    await expect.poll(() => lost.mock.calls.length).toBe(1)
    expect(left).not.toHaveBeenCalled()
    connection.close()
    await expect.poll(heldLocks).toEqual([])
  })

  it('fails if no worker can be made or loaded, and then holds no lock', async () => {
    vi.stubGlobal('SharedWorker', undefined)
    await expect(sharedConnection('ada', () => {})).rejects.toThrow('nothing to share')
    vi.stubGlobal('SharedWorker', FakeSharedWorker)
    await expect(sharedConnection(undefined, () => {})).rejects.toThrow('nothing to share')
    answers = false
    const opening = sharedConnection('ada', () => {})
    await expect.poll(() => made.length).toBe(1)
    made[0]?.error()
    await expect(opening).rejects.toThrow('can not be loaded')
    await expect.poll(heldLocks).toEqual([])
  })
})
