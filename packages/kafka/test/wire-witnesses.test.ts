/**
 * Independent witnesses for the layouts: what @platformatic/kafka parses of our responses.
 */
import * as platformatic from '@platformatic/kafka'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type ApiName, apis, encodeBatch } from '../src/wire/index.ts'
import { messagesOf, type Override } from './support/wire-messages.ts'

type Parse = (correlationId: number, key: number, version: number, reader: platformatic.Reader) => unknown
type Witness = { readonly parseResponse: Parse }
const witnesses = platformatic as unknown as Readonly<Record<string, Witness | undefined>>

type Untyped = {
  encodeResponse(version: number, body: unknown): Buffer
}
const untyped = (name: ApiName) => apis[name] as unknown as Untyped

const batch = encodeBatch({ records: [{ timestamp: 1, key: Buffer.from('k'), value: Buffer.from('v') }] })

/** Errors would be thrown, and group members carry a protocol of their own inside. */
const plain: Override = (name) => {
  if (/error/i.test(name) && !/message/i.test(name)) return /records?Errors/i.test(name) ? undefined : fc.constant(0)
  if (name === 'batchIndexErrorMessage') return fc.constant(null)
  if (name === 'records') return fc.constant(batch)
  return undefined
}

const responses = (Object.keys(apis) as ApiName[]).flatMap((name) => {
  const { minVersion, maxVersion, firstFlexible, layouts } = apis[name]
  const versions = Array.from({ length: maxVersion - minVersion + 1 }, (_, index) => minVersion + index)
  return versions.flatMap((version) => {
    const witness = witnesses[`${name}V${version}`]
    const id = `${name} v${version}`
    return witness ? [{ id, name, version, flexible: version >= firstFlexible, layouts, witness }] : []
  })
})

describe('responses', () => {
  test('have a witness in most versions', () => {
    expect(responses.length).toBeGreaterThan(120)
  })

  test.each(responses)('$id is parsed to its end', ({ name, version, flexible, layouts, witness }) => {
    fc.assert(
      fc.property(messagesOf(layouts.response, { version, flexible, override: plain }), (message) => {
        const bytes = untyped(name).encodeResponse(version, message)
        const reader = platformatic.Reader.from(bytes)
        witness.parseResponse(1, apis[name].key, version, reader)
        expect(reader.remaining).toBe(0)
      }),
      { numRuns: 10 },
    )
  })
})
