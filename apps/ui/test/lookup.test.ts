/** Tests of looking up the payment or request whose id is in the address of a page. */
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { memoryStorage } from './support/memory-storage.ts'

let useLookup: typeof import('../src/components/use-lookup.ts').useLookup
beforeAll(async () => {
  vi.stubGlobal('history', { state: null })
  vi.stubGlobal('sessionStorage', memoryStorage())
  vi.stubGlobal('localStorage', memoryStorage())
  ;({ useLookup } = await import('../src/components/use-lookup.ts'))
})
afterAll(() => vi.unstubAllGlobals())

const never = () => false

it.each([
  ['an answer', (late: PromiseWithResolvers<string | undefined>) => late.resolve('a payment')],
  ['that there is none', (late: PromiseWithResolvers<string | undefined>) => late.resolve(undefined)],
  ['a failure', (late: PromiseWithResolvers<string | undefined>) => late.reject(new Error('too late'))],
])('leaves %s of an earlier id aside', async (_what, end) => {
  const late = Promise.withResolvers<string | undefined>()
  const { found, state, words, load } = useLookup((id) => (id === 'first' ? late.promise : Promise.resolve('another')))
  const first = load('first', never)
  await load('second', never)
  end(late)
  await first
  expect([found.value, state.value, words.value]).toEqual(['another', 'ready', undefined])
})
