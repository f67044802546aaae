import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { expect, test } from 'vitest'
import { parseOptions } from '../src/options.ts'
import { servicesFor } from '../src/services.ts'

const root = dirname(dirname(dirname(import.meta.dirname)))

function services(...args: string[]) {
  const options = parseOptions(args, {})
  if (options === 'help') throw new Error('expected options')
  return servicesFor(options, { root, data: '/data' })
}

test('starts everything, each service after those it needs', () => {
  const all = services()
  expect(all.map(({ name }) => name)).toEqual(['broker', 'identity', 'payments', 'gateway', 'simulation'])
  for (const { main } of all) expect(existsSync(main), main).toBe(true)
})

test('leaves out services that are provided from outside', () => {
  const external = services('--brokers', 'a:1', '--issuer', 'https://a.example/', '--client-id', 'c', '--no-simulation')
  expect(external.map(({ name }) => name)).toEqual(['payments', 'gateway'])
  expect(external[1]?.env).toMatchObject({
    KAFKA_BROKERS: 'a:1',
    OIDC_ISSUER: 'https://a.example/',
    OIDC_CLIENT_ID: 'c',
  })
  expect(external[1]?.env).not.toHaveProperty('IDENTITY_UPSTREAM')
  expect(external[1]?.env).not.toHaveProperty('OIDC_OPERATOR')
})

test('gives gateways the address of the control interface, except with an external issuer', () => {
  const upstreams = (...args: string[]) => {
    const options = parseOptions(args, {})
    if (options === 'help') throw new Error('expected options')
    const all = servicesFor(options, { root, data: '/data' }, 4711)
    return all.filter(({ name }) => name.startsWith('gateway')).map(({ env }) => env.CONTROL_UPSTREAM)
  }
  expect(upstreams('--gateways', '2')).toEqual(['http://127.0.0.1:4711', 'http://127.0.0.1:4711'])
  expect(upstreams('--issuer', 'https://a.example/', '--client-id', 'c')).toEqual([undefined])
})

test('runs one payments process for each slot', () => {
  const slots = services('--slots', '3', '--standbys', '1').filter(({ name }) => name.startsWith('payments'))
  expect(
    slots.map(({ name, env }) => [name, env.PAYMENTS_SLOT, env.PAYMENTS_STANDBY_REPLICAS, env.PAYMENTS_STATE_FOLDER]),
  ).toEqual([
    ['payments', '0', '1', '/data/state/payments-0'],
    ['payments-1', '1', '1', '/data/state/payments-1'],
    ['payments-2', '2', '1', '/data/state/payments-2'],
  ])
})

test('runs as many gateways as asked for, on their ports, with one issuer and one certificate', () => {
  const all = services('--gateways', '3')
  const gateways = all.filter(({ name }) => name.startsWith('gateway'))
  expect(gateways.map(({ name, env }) => [name, env.GATEWAY_PORT])).toEqual([
    ['gateway', '9090'],
    ['gateway-1', '9093'],
    ['gateway-2', '9094'],
  ])
  for (const { env } of gateways) {
    expect(env).toMatchObject({
      GATEWAY_DATA_DIR: '/data/gateway',
      OIDC_ISSUER: 'https://localhost:9090/identity',
      IDENTITY_UPSTREAM: 'http://127.0.0.1:9091',
    })
  }
  const folders = gateways.map(({ env }) => env.GATEWAY_STATE_DIR)
  expect(folders).toEqual(['/data/state/gateway', '/data/state/gateway-1', '/data/state/gateway-2'])
  const identity = all.find(({ name }) => name === 'identity')
  expect(identity?.env.IDENTITY_REDIRECT_ORIGINS).toBe('https://localhost:9093,https://localhost:9094')
  expect(services().find(({ name }) => name === 'identity')?.env.IDENTITY_REDIRECT_ORIGINS).toBe('')
})

test('ports and data folder reach every service that uses them', () => {
  const [broker, identity, payments, gateway] = services('--port', '1', '--broker-port', '2', '--identity-port', '3')
  expect(broker?.env).toMatchObject({ BROKER_PORT: '2', BROKER_DATA_DIR: '/data/broker' })
  expect(identity?.env).toMatchObject({ IDENTITY_PORT: '3', IDENTITY_ISSUER: 'https://localhost:1/identity' })
  expect(payments?.env).toMatchObject({ KAFKA_BROKERS: '127.0.0.1:2' })
  expect(gateway?.env).toMatchObject({
    GATEWAY_PORT: '1',
    OIDC_ISSUER: 'https://localhost:1/identity',
    OIDC_JWKS_URI: 'http://127.0.0.1:3/jwks',
    IDENTITY_UPSTREAM: 'http://127.0.0.1:3',
  })
})
