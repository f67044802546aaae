import { expect, test } from 'vitest'
import { banner } from '../src/banner.ts'
import { helpText } from '../src/option-list.ts'
import { UsageError } from '../src/option-values.ts'
import { gatewayPorts, type LauncherOptions, parseOptions, portsOf } from '../src/options.ts'

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
    gateways: 1,
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
  ['a port as only programs write it', ['--port', '0x2383'], '"0x2383" isn\'t'],
  ['a speed as only programs write it', ['--speed', '1e1'], 'from 0.01 to 1000'],
  ['an empty number', ['--users', ''], 'whole number'],
  ['a speed of zero', ['--speed', '0'], 'from 0.01 to 1000'],
  ['a speed below the slowest', ['--speed', '0.009'], 'from 0.01 to 1000'],
  ['a speed that is no number', ['--speed', 'fast'], 'from 0.01 to 1000'],
  ['a negative port', ['--port', '-1'], '--port must be a whole number from 1 to 65535; "-1" isn\'t.'],
  ['an option without its value', ['--data', '--port', '1'], '--data needs a value. See npm start -- --help.'],
  ['an option without its value at the end', ['--data'], '--data needs a value. See npm start -- --help.'],
  ['a flag with a value', ['--help=1'], "Option '-h, --help' does not take an argument. See npm start -- --help."],
  [
    'a log level that is none',
    ['--log-level', 'loud'],
    'one of trace, debug, info, warn, error, fatal, silent; "loud"',
  ],
  [
    'more users than at most',
    ['--users', '500', '--max-users', '10'],
    '--users (500) must not be more than --max-users',
  ],
  ['two services on one port', ['--port', '9092'], 'port of its own'],
  ['gateways beyond the last port', ['--port', '65534', '--gateways', '3'], 'need port 65536'],
  ['an issuer that is no URL', ['--issuer', 'auth0'], 'must be a URL'],
  ['an issuer without client id', ['--issuer', 'https://a.example/'], 'needs --client-id'],
])('refuses %s in one sentence', (_case, args, message) => {
  expect(() => parse(args)).toThrow(UsageError)
  expect(() => parse(args)).toThrow(message)
})

test('names the environment variable if its value is wrong', () => {
  expect(() => parse([], { GATEWAY_PORT: 'xyz' })).toThrow('GATEWAY_PORT must be a whole number')
  expect(() => parse(['--port', 'abc'], { GATEWAY_PORT: 'xyz' })).toThrow('--port must be a whole number')
  expect(() => parse([], { LOG_LEVEL: 'loud' })).toThrow('LOG_LEVEL must be one of')
  expect(() => parse([], { OIDC_ISSUER: 'auth0' })).toThrow('OIDC_ISSUER must be a URL')
  expect(() => parse(['--users', '20'], { SIMULATION_MAX_USERS: '10' })).toThrow(
    '--users (20) must not be more than SIMULATION_MAX_USERS (10).',
  )
})

test('of the two numbers of users, a missing one follows the other', () => {
  expect(parse(['--users', '500'])).toMatchObject({ users: 500, maxUsers: 500 })
  expect(parse([], { SIMULATION_MAX_USERS: '10' })).toMatchObject({ users: 10, maxUsers: 10 })
  expect(parse(['--users', '5'])).toMatchObject({ users: 5, maxUsers: 100 })
})

test('ports of services that are not started may be used for others', () => {
  expect(parse(['--port', '9092', '--brokers', 'kafka:9092']).brokers).toBe('kafka:9092')
})

test('gateways take the next free ports, and all are checked before the start', () => {
  expect(gatewayPorts(parse(['--gateways', '3']))).toEqual([9090, 9093, 9094])
  expect(gatewayPorts(parse([], { GATEWAYS: '2', GATEWAY_PORT: '8000' }))).toEqual([8000, 8001])
  const external = ['--brokers', 'kafka:9092', '--issuer', 'https://a.example/', '--client-id', 'c']
  expect(gatewayPorts(parse(['--gateways', '3', ...external]))).toEqual([9090, 9091, 9092])
  expect(portsOf(parse(['--gateways', '2']))).toEqual([
    { port: 9090, option: '--port' },
    { port: 9093, option: '--port' },
    { port: 9092, option: '--broker-port' },
    { port: 9091, option: '--identity-port' },
  ])
})

test('help lists every option with its environment variable', () => {
  expect(parseOptions(['--help'], {})).toBe('help')
  for (const part of ['--port', '--no-simulation', '--slots', '--gateways', '[KAFKA_BROKERS]', '[OIDC_ISSUER]']) {
    expect(helpText()).toContain(part)
  }
})

test.each(['operator', '=operator', 'roles=', 'roles =x', 'roles=a b'])(
  'refuses to guess an operator from "%s"',
  (text) => {
    expect(() => parse(['--operator', text])).toThrow(
      `--operator must be a claim and its value, such as roles=operator`,
    )
  },
)

test('says what makes an operator at an external issuer, or that nothing does', () => {
  const line = (...args: string[]) => {
    const options = parse(['--issuer', 'https://a.example/', '--client-id', 'c', ...args])
    return banner(options, { root: '/', data: '/data' })
      .split('\n')
      .find((text) => text.includes('Operators'))
  }
  expect(line()).toMatch(/none: set the claim that makes an operator with --operator <claim=value>/)
  expect(line('--operator', 'https://a.example/roles=ops=1')).toMatch(/"ops=1" in its claim https:\/\/a.example\/roles/)
  expect(banner(parse([]), { root: '/', data: '/data' })).not.toContain('Operators')
})
