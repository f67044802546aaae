/** A gateway whose commands nobody answers said that it was ready, while all of them ended in 504. */
import { openGroup } from '@streampay/kafka'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { testGateway } from './support/definition.ts'
import { openSurroundings, openTestGateway, type Surroundings, type TestGateway } from './support/test-gateway.ts'

const commandGroup = 'test-answerers'
let surroundings: Surroundings

beforeAll(async () => {
  surroundings = await openSurroundings(testGateway())
})
afterAll(() => surroundings.close())

async function readiness(gateway: TestGateway) {
  const { status, json } = await gateway.http2.call('/health/ready')
  const { commands } = json() as { commands: string }
  return [status, commands]
}

it('is not ready without a member of the group that answers commands', async () => {
  const gateway = await openTestGateway({ ...testGateway(), commandGroup }, surroundings)
  await expect.poll(() => readiness(gateway), { timeout: 10_000 }).toEqual([503, 'unanswered'])
  const ignored = () => undefined
  const group = openGroup(surroundings.log.cluster, {
    groupId: commandGroup,
    topics: ['commands'],
    onAssigned: ignored,
    onRevoked: ignored,
    onLost: ignored,
  })
  await expect.poll(() => readiness(gateway), { timeout: 20_000 }).toEqual([200, 'answered'])
  await group.close({ leave: true })
  await expect.poll(() => readiness(gateway), { timeout: 20_000 }).toEqual([503, 'unanswered'])
  await gateway.close()
}, 60_000)

it('is not ready while those that wait get no replies, and is again with the first', async () => {
  const { issuer, replier } = surroundings
  const gateway = await openTestGateway(testGateway({ replySilenceMs: 300 }), surroundings)
  const token = await issuer.token('ada', 'write')
  expect(await readiness(gateway)).toEqual([200, 'answered'])
  replier.answering = () => undefined
  const unanswered = gateway.http2.call('/do', { token, body: { what: 'x' } })
  await expect.poll(() => readiness(gateway), { timeout: 10_000 }).toEqual([503, 'unanswered'])
  replier.answering = () => ({ status: 200, body: {} })
  expect((await gateway.http2.call('/do', { token, body: { what: 'y' } })).status).toBe(200)
  expect(await readiness(gateway)).toEqual([200, 'answered'])
  expect((await unanswered).status).toBe(504)
  await gateway.close()
}, 60_000)
