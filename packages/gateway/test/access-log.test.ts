import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { AccessRefusal } from '../src/guard/access-refusal.ts'
import { openRefusalLog } from '../src/guard/refusal-log.ts'
import { ProblemError } from '../src/shared/problem.ts'
import { testGateway } from './support/definition.ts'
import { openSurroundings, openTestGateway } from './support/test-gateway.ts'

test('logs at most ten refusals a second, says how many it left out, and counts all', () => {
  const lines: object[] = []
  const counted: string[] = []
  let elapsed = 0
  const log = openRefusalLog({
    logger: { warn: (details) => void lines.push(details) },
    clock: { now: () => 0, elapsed: () => elapsed },
    onRefused: (problem) => void counted.push(problem),
  })
  const refusal = new AccessRefusal('unauthorized', 'The token has expired.', { subject: 'ada' })
  for (let count = 0; count < 25; count++) log.note(refusal, '/balances/:id')
  log.note(new ProblemError('not-found', 'There is nothing.'), '/balances/:id')
  expect(lines).toHaveLength(10)
  expect(counted).toHaveLength(25)
  elapsed = 1_000
  log.note(refusal, '/balances/:id')
  const subject = createHash('sha256').update('ada').digest('hex').slice(0, 16)
  const line = { route: '/balances/:id', problem: 'unauthorized', reason: 'The token has expired.', subject }
  expect(lines.at(0)).toEqual(line)
  expect(lines.at(10)).toEqual({ ...line, leftOut: 15 })
})

test('logs refused tokens and permissions with their route and a digest, and never the subject', async () => {
  const definition = testGateway()
  const surroundings = await openSurroundings(definition)
  const gateway = await openTestGateway(definition, surroundings)
  try {
    const { issuer } = surroundings
    const expired = await issuer.token('ada-of-the-test', 'read', { expiresIn: -3600 })
    const powerless = await issuer.token('bob-of-the-test', 'nothing')
    const view = definition.routes.find((route) => route.kind === 'view')
    const path = (view?.path ?? '').replace(/\{\w+\}/g, 'secret-id')
    for (const token of [expired, powerless]) {
      await gateway.http2.call(path, { token })
    }
    const refused = gateway.lines.filter((line) => line.includes('access refused')).map((line) => JSON.parse(line))
    const digestOf = (subject: string) => createHash('sha256').update(subject).digest('hex').slice(0, 16)
    expect(refused).toMatchObject([
      { problem: 'unauthorized', reason: 'The token has expired.', subject: digestOf('ada-of-the-test') },
      { problem: 'missing-scope', subject: digestOf('bob-of-the-test') },
    ])
    for (const { route } of refused) expect(route).not.toBe('')
    for (const line of gateway.lines) expect(line).not.toMatch(/(ada|bob)-of-the-test/)
  } finally {
    await gateway.close()
    await surroundings.close()
  }
})
