/** The documents of the interface are valid for the tools of those who use it. */
import { Parser } from '@asyncapi/parser'
import { createConfig, lintFromString } from '@redocly/openapi-core'
import { asyncApiOf, openApiOf } from '@streampay/gateway'
import { expect, it } from 'vitest'
import { streampayGateway } from '../src/index.ts'

const gateway = streampayGateway()
const lint = async (document: unknown) => {
  const config = await createConfig({ extends: ['recommended'] })
  const source = JSON.stringify(document)
  const problems = await lintFromString({ source, absoluteRef: '/openapi.json', config })
  return problems.map(({ ruleId, message, location }) => `${ruleId} ${location[0]?.pointer}: ${message}`)
}
const parse = async (document: unknown) => {
  const { diagnostics } = await new Parser().parse(JSON.stringify(document))
  return diagnostics.map(({ path, message }) => `${path.join('.')}: ${message}`)
}

it('the OpenAPI document passes the recommended rules of Redocly, without a warning', async () => {
  expect(await lint(openApiOf(gateway))).toEqual([])
})

it('the AsyncAPI document passes the official parser, without a warning', async () => {
  expect(await parse(asyncApiOf(gateway))).toEqual([])
}, 30_000)

it('reports a fault in a document', async () => {
  const [first, ...others] = gateway.topics
  const broken = { ...gateway, topics: [{ ...first!, valueSchema: { type: 'nonsense' } as never }, ...others] }
  expect(await parse(asyncApiOf(broken))).not.toEqual([])
  expect(await lint({ ...openApiOf(gateway), servers: [] })).not.toEqual([])
}, 30_000)

// Python knows no properties of Unicode, Rust and Go no halves of surrogate pairs: their tools for checking or
// generating data failed for every operation with such a pattern.
it.each([
  ['OpenAPI', openApiOf(gateway)],
  ['AsyncAPI', asyncApiOf(gateway)],
])('the expressions of the %s document are such that every language understands them', (_, document) => {
  const patterns = new Set<string>()
  JSON.stringify(document, (name, value) => {
    if (name === 'pattern' && typeof value === 'string') patterns.add(value)
    return value
  })
  expect(patterns.size).toBeGreaterThan(3)
  const escapes = [...patterns].flatMap((pattern) => pattern.match(/\\u[0-9a-f]{4}|\\x[0-9a-f]{2}|\\./gi) ?? [])
  expect(escapes.filter((text) => !/^\\(x..|u(?!d[89a-f])....|[.(])$/i.test(text))).toEqual([])
})

it('every operation of the interface has a name of its own, and says what each refusal is', () => {
  const { paths } = openApiOf(gateway) as { paths: Record<string, Record<string, Operation>> }
  const operations = Object.values(paths).flatMap((path) => Object.values(path))
  type Operation = { operationId: string; responses: Record<string, { description: string }> }
  const names = operations.map(({ operationId }) => operationId)
  expect(new Set(names).size).toBe(names.length)
  for (const { responses } of operations) {
    expect(Object.keys(responses)).toEqual(expect.arrayContaining(['400', '429']))
    for (const { description } of Object.values(responses)) expect(description).not.toBe('Refused.')
  }
})
