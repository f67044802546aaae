import { describe, expect, it } from 'vitest'
import type { Topology } from '../../src/index.ts'
import { openTestDriver } from '../../src/testing/test-driver.ts'
import { bankTopology, text } from '../support/bank.ts'

describe('a context', () => {
  const misuse = (process: Topology['sources'][number]['process']): Topology => ({
    ...bankTopology('misuse'),
    sources: [{ topic: 'in', priority: 0, onError: 'dead-letter', process }],
  })
  const reasonOf = (topology: Topology, value = 'x') => {
    const driver = openTestDriver(topology, { partitionCount: 1 })
    driver.pipe({ topic: 'in', key: 'k', value })
    return driver.records('dead-letters')[0]?.headers.reason
  }
  const out = { topic: 'out', value: text, key: (value: string) => value.slice(0, 1) }
  const send = (key: string, value: string) => ({
    ...misuse((_, context) => {
      context.send(out, { key, value })
      return undefined
    }),
    sinks: [out],
  })

  it('refuses names that the topology does not have, and a second wait', () => {
    const elsewhere = '"out" is not among the sinks of the topology.'
    expect(reasonOf({ ...send('k', 'k'), sinks: [] })).toBe(elsewhere)
    // Another definition of the same topic may write values that readers of the topic don't accept.
    expect(reasonOf({ ...send('k', 'k'), sinks: [{ ...out }] })).toBe(elsewhere)
    expect(reasonOf(misuse((_, context) => void context.store('nothing')))).toBe('There is no store named "nothing".')
    expect(reasonOf(misuse((_, context) => void context.table('nothing')))).toBe(
      'There is no global table named "nothing".',
    )
    expect(reasonOf(misuse(() => ({ waitFor: 'nothing', timeoutMs: 1 })))).toContain('no global table named "nothing"')
    expect(reasonOf(misuse(() => ({ waitFor: 'owners', timeoutMs: 1 })))).toContain('a second wait')
  })

  it('refuses records that are too large as they are written, and keys that would read differently', () => {
    const refused = 'A record for "out" is refused:'
    const framed = 1_000_000 - 21 - 2 - 3 - 1
    expect(reasonOf(send('k', 'k'.repeat(framed)))).toBeUndefined()
    expect(reasonOf(send('k', 'k'.repeat(framed + 1)))).toBe(
      `${refused} it takes 1000001 bytes, and 1000000 are allowed.`,
    )
    expect(reasonOf(send('k', 'l'))).toBe(`${refused} its key is "k" instead of "l".`)
    expect(reasonOf(send('\ud800', '\ud800'))).toBe(`${refused} its key is not well-formed Unicode.`)
  })

  it('refuses writes after its processor returned', () => {
    let kept: (() => void) | undefined
    const driver = openTestDriver(
      misuse((_, context) => {
        kept = () => context.store('accounts').set('k', { balance: 0, version: 0 })
        return undefined
      }),
      { partitionCount: 1 },
    )
    driver.pipe({ topic: 'in', key: 'k', value: 'x' })
    expect(() => kept?.()).toThrow('came after its processor had returned')
  })
})
