import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { clientOptionsFromEnv, openCluster } from '../src/index.ts'

describe('the settings from the environment', () => {
  it('use the log on this machine unless told otherwise', () => {
    expect(clientOptionsFromEnv({}, 'me')).toEqual({ brokers: ['localhost:9092'], clientId: 'me' })
    expect(clientOptionsFromEnv({ KAFKA_BROKERS: ' a:1 , b:2,' }, 'me').brokers).toEqual(['a:1', 'b:2'])
  })

  it('turn TLS on by itself or by an authority', () => {
    const folder = mkdtempSync(join(tmpdir(), 'streampay-options-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const file = join(folder, 'ca.pem')
    writeFileSync(file, 'PEM')
    expect(clientOptionsFromEnv({ KAFKA_TLS: 'true' }, 'me').tls).toEqual({})
    expect(clientOptionsFromEnv({ KAFKA_TLS_CA: file }, 'me').tls).toEqual({ ca: 'PEM' })
    expect(clientOptionsFromEnv({ KAFKA_TLS: 'false', KAFKA_TLS_CA: file }, 'me').tls).toBeUndefined()
  })

  it('take a mechanism in either case', () => {
    const env = { KAFKA_SASL_MECHANISM: 'scram-sha-256', KAFKA_SASL_USERNAME: 'u', KAFKA_SASL_PASSWORD: 'p' }
    expect(clientOptionsFromEnv(env, 'me').sasl).toEqual({ mechanism: 'SCRAM-SHA-256', username: 'u', password: 'p' })
  })

  it.each([
    [{ KAFKA_BROKERS: ' , ' }, 'KAFKA_BROKERS names no broker'],
    [{ KAFKA_TLS: 'yes' }, "KAFKA_TLS must be true or false, not 'yes'"],
    [{ KAFKA_TLS_CA: '/nowhere/ca.pem' }, 'KAFKA_TLS_CA: /nowhere/ca.pem can not be read'],
    [{ KAFKA_SASL_MECHANISM: 'GSSAPI' }, 'KAFKA_SASL_MECHANISM must be one of'],
    [{ KAFKA_SASL_MECHANISM: 'PLAIN' }, 'KAFKA_SASL_USERNAME is needed for PLAIN'],
    [{ KAFKA_SASL_MECHANISM: 'PLAIN', KAFKA_SASL_USERNAME: 'u' }, 'KAFKA_SASL_PASSWORD is needed for PLAIN'],
  ])('refuse %j in one sentence', (env, sentence) => {
    expect(() => clientOptionsFromEnv(env, 'me')).toThrow(sentence)
  })
})

describe('the addresses of brokers', () => {
  it.each([['localhost'], ['localhost:'], ['localhost:0'], ['localhost:70000'], ['http://localhost:9092'], ['']])(
    'are not %j',
    (broker) => {
      expect(() => openCluster({ brokers: [broker], clientId: 'me' })).toThrow('must be given as host:port')
    },
  )

  it.each([['localhost:9092'], ['10.0.0.1:1'], ['[::1]:9092'], ['broker-0.kafka.svc:65535']])('may be %j', (broker) => {
    expect(() => openCluster({ brokers: [broker], clientId: 'me' })).not.toThrow()
  })

  it('are needed', () => {
    expect(() => openCluster({ brokers: [], clientId: 'me' })).toThrow('no brokers are given')
  })
})

describe('a log that is not there', () => {
  it('is waited for no longer than asked', async () => {
    // Port 1 is reserved and refuses connections.
    const cluster = openCluster({ brokers: ['127.0.0.1:1'], clientId: 'me' })
    onTestFinished(() => cluster.close())
    const began = performance.now()
    const failure = cluster.ready({ timeoutMs: 200 })
    await expect(failure).rejects.toMatchObject({ code: 'KAFKA_TIMEOUT', cause: { code: 'KAFKA_UNAVAILABLE' } })
    expect(performance.now() - began).toBeLessThan(5_000)
  })
})
