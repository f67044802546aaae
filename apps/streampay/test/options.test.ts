import { expect, test } from 'vitest'
import { helpText, type LauncherOptions, parseOptions, UsageError } from '../src/options.ts'

function parse(args: string[], env: Record<string, string> = {}): LauncherOptions {
  const options = parseOptions(args, env)
  if (options === 'help') throw new Error('expected options')
  return options
}

test('has defaults for everything', () => {
  expect(parse([])).toMatchObject({
    port: 9090,
    brokerPort: 9092,
    identityPort: 9091,
    data: 'data',
    simulation: true,
    speed: 1,
    users: 20,
    maxUsers: 100,
    slots: 1,
    standbys: 0,
    brokers: undefined,
    issuer: undefined,
    audience: 'streampay',
  })
})

test('an option wins over its environment variable, which wins over the default', () => {
  expect(parse([], { GATEWAY_PORT: '1' }).port).toBe(1)
  expect(parse(['--port', '2'], { GATEWAY_PORT: '1' }).port).toBe(2)
  expect(parse(['--port=3'], { GATEWAY_PORT: '1' }).port).toBe(3)
})

test('the simulation is turned off by option or environment, and on again by option', () => {
  expect(parse(['--no-simulation']).simulation).toBe(false)
  expect(parse([], { SIMULATION: 'off' }).simulation).toBe(false)
  expect(parse(['--simulation'], { SIMULATION: 'off' }).simulation).toBe(true)
})

test.each([
  ['an unknown option', ['--prot', '1'], '--prot'],
  ['a word that is no option', ['now'], 'now'],
  ['a port of zero', ['--port', '0'], 'from 1 to 65535'],
  ['a port above the last', ['--port', '65536'], 'from 1 to 65535'],
  ['a port that is no number', ['--port', 'http'], '"http" isn\'t'],
  ['an empty number', ['--users', ''], 'whole number'],
  ['a speed of zero', ['--speed', '0'], 'above 0'],
  ['a speed that is no number', ['--speed', 'fast'], 'above 0'],
  ['two services on one port', ['--port', '9092'], 'port of its own'],
  ['an issuer that is no URL', ['--issuer', 'auth0'], 'must be a URL'],
  ['an issuer without client id', ['--issuer', 'https://a.example/'], 'needs --client-id'],
])('refuses %s in one sentence', (_case, args, message) => {
  expect(() => parse(args)).toThrow(UsageError)
  expect(() => parse(args)).toThrow(message)
})

test('ports of what is not started may be used otherwise', () => {
  expect(parse(['--port', '9092', '--brokers', 'kafka:9092']).brokers).toBe('kafka:9092')
})

test('help lists every option with its environment variable', () => {
  expect(parseOptions(['--help'], {})).toBe('help')
  for (const part of ['--port', '--no-simulation', '--slots', '[KAFKA_BROKERS]', '[OIDC_ISSUER]']) {
    expect(helpText()).toContain(part)
  }
})
