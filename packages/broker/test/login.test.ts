import { apis, errors } from '@streampay/kafka/wire'
import { expect, test } from 'vitest'
import { LoginPace } from '../src/server/login-pace.ts'
import { ManualSchedule, testBroker, type WireClient, wireClient } from './support/test-broker.ts'

const credentials = [{ username: 'ada', password: 'right' }]
const mechanisms = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const
const scram = ['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const
type Mechanism = (typeof mechanisms)[number]

async function setUp() {
  const timers = new ManualSchedule()
  const broker = await testBroker({ schedule: timers.schedule, config: { credentials } })
  return { broker, timers, client: await wireClient(broker) }
}

async function begin(client: WireClient, mechanism: Mechanism): Promise<void> {
  expect((await client.call(apis.saslHandshake, { mechanism })).errorCode).toBe(0)
}

function step(client: WireClient, token: string) {
  return client.call(apis.saslAuthenticate, { authBytes: Buffer.from(token) })
}

async function plain(client: WireClient, username: string, password: string): Promise<number> {
  await begin(client, 'PLAIN')
  return (await step(client, `\0${username}\0${password}`)).errorCode
}

/** All answers of the broker to a user with a wrong proof, without what is random in every exchange. */
async function wrongScram(client: WireClient, mechanism: Mechanism, username: string) {
  await begin(client, mechanism)
  const first = await step(client, `n,,n=${username},r=nonce`)
  const [, nonce = '', salt = '', iterations = ''] =
    /^r=([^,]+),s=([^,]+),i=(\d+)$/.exec(first.authBytes.toString()) ?? []
  const bytes = mechanism === 'SCRAM-SHA-256' ? 32 : 64
  const proof = Buffer.alloc(bytes, 1).toString('base64')
  const final = await step(client, `c=biws,r=${nonce},p=${proof}`)
  return {
    salt,
    said: [
      first.errorCode,
      nonce.length,
      Buffer.from(salt, 'base64').length,
      iterations,
      final.errorCode,
      final.errorMessage,
    ],
  }
}

/** Includes the pauses after wrong passwords. */
async function hurried<T>(timers: ManualSchedule, work: Promise<T>): Promise<T> {
  let done = false
  const result = work.finally(() => {
    done = true
  })
  await expect
    .poll(
      () => {
        for (const pauseMs of [100, 200, 400, 800, 1600, 3200, 5000]) timers.fire(pauseMs)
        return done
      },
      { interval: 5 },
    )
    .toBe(true)
  return result
}

test.each(scram)('says the same by %s to a user that does not exist as to a wrong password', async (mechanism) => {
  const { timers, client } = await setUp()
  const known = await hurried(timers, wrongScram(client, mechanism, 'ada'))
  const unknown = await hurried(timers, wrongScram(client, mechanism, 'eve'))
  expect(unknown.said).toEqual(known.said)
  expect(known.said).toContain(errors.SASL_AUTHENTICATION_FAILED)
  expect((await hurried(timers, wrongScram(client, mechanism, 'ada'))).salt).toBe(known.salt)
  expect((await hurried(timers, wrongScram(client, mechanism, 'eve'))).salt).toBe(unknown.salt)
  expect((await hurried(timers, wrongScram(client, mechanism, 'bob'))).salt).not.toBe(unknown.salt)
})

test('says the same by PLAIN to a user that does not exist as to a wrong password', async () => {
  const { timers, client } = await setUp()
  const answers = []
  for (const token of ['\0ada\0wrong', '\0eve\0wrong', '\0eve\0', '\0ada\0']) {
    await begin(client, 'PLAIN')
    const { errorCode, errorMessage } = await hurried(timers, step(client, token))
    answers.push(`${errorCode} ${errorMessage}`)
  }
  expect(new Set(answers).size).toBe(1)
  expect(answers[0]).toMatch(/^58 /)
})

test('pauses longer after each wrong password from an address, up to 5 s, and not for another address', async () => {
  const { broker, timers, client } = await setUp()
  expect(await plain(client, 'ada', 'wrong')).toBe(errors.SASL_AUTHENTICATION_FAILED)
  for (const pauseMs of [100, 200, 400, 800, 1600, 3200, 5000, 5000]) {
    const answer = plain(client, 'ada', 'wrong')
    await expect.poll(() => timers.waiting(pauseMs)).toBe(1)
    const other = await wireClient(broker, '127.0.0.2')
    expect(await plain(other, 'ada', 'right')).toBe(0)
    timers.fire(pauseMs)
    expect(await answer).toBe(errors.SASL_AUTHENTICATION_FAILED)
  }
  const right = plain(client, 'ada', 'right')
  await expect.poll(() => timers.waiting(5000)).toBe(1)
  timers.fire(5000)
  expect(await right).toBe(0)
})

test('forgets the wrong passwords of an address after a minute', async () => {
  const { timers, client } = await setUp()
  expect(await plain(client, 'ada', 'wrong')).toBe(errors.SASL_AUTHENTICATION_FAILED)
  expect(timers.fire(60_000)).toBe(1)
  expect(await plain(client, 'ada', 'right')).toBe(0)
})

test('remembers ten thousand addresses at most, and forgets the oldest first', async () => {
  const timers = new ManualSchedule()
  const pace = new LoginPace(timers.schedule)
  for (let address = 0; address <= 10_000; address++) pace.failed(`address ${address}`)
  await pace.pause('address 0')
  const second = pace.pause('address 1')
  expect(timers.fire(100)).toBe(1)
  await second
  expect(timers.waiting(60_000)).toBe(10_000)
})

test('accepts no second login on a connection, since its permissions are those of one user', async () => {
  const { client } = await setUp()
  expect(await plain(client, 'ada', 'right')).toBe(0)
  const again = await client.call(apis.saslHandshake, { mechanism: 'PLAIN' })
  expect(again.errorCode).toBe(errors.ILLEGAL_SASL_STATE)
  expect((await step(client, '\0ada\0right')).errorCode).toBe(errors.ILLEGAL_SASL_STATE)
  expect((await client.call(apis.metadata, {})).brokers).toHaveLength(1)
})
