/** The options with a value, their environment variables and defaults, and the text of `--help`. */
import { logLevels } from '@streampay/process/environment'

type OptionSpec = {
  readonly name: string
  readonly env: string
  readonly argument: string
  readonly fallback: string
  readonly help: string
}

export const specs = [
  { name: 'port', env: 'GATEWAY_PORT', argument: '<port>', fallback: '9090', help: 'HTTPS port of the application' },
  { name: 'broker-port', env: 'BROKER_PORT', argument: '<port>', fallback: '9092', help: 'port of the embedded log' },
  {
    name: 'identity-port',
    env: 'IDENTITY_PORT',
    argument: '<port>',
    fallback: '9091',
    help: 'loopback port of the development issuer',
  },
  { name: 'data', env: 'STREAMPAY_DATA', argument: '<folder>', fallback: 'data', help: 'folder for all data' },
  {
    name: 'speed',
    env: 'SIMULATION_SPEED',
    argument: '<factor>',
    fallback: '1',
    help: 'of the simulated users: 10 is ten times as busy',
  },
  {
    name: 'seed',
    env: 'SIMULATION_SEED',
    argument: '<text>',
    fallback: '',
    help: 'makes the simulated users’ choices repeatable',
  },
  { name: 'users', env: 'SIMULATION_USERS', argument: '<n>', fallback: '20', help: 'simulated users at first start' },
  { name: 'max-users', env: 'SIMULATION_MAX_USERS', argument: '<n>', fallback: '100', help: 'simulated users at most' },
  {
    name: 'slots',
    env: 'PAYMENTS_SLOTS',
    argument: '<n>',
    fallback: '1',
    help: 'payments processes that share the work',
  },
  {
    name: 'standbys',
    env: 'PAYMENTS_STANDBY_REPLICAS',
    argument: '<n>',
    fallback: '0',
    help: 'of them that keep each partition’s state ready to take over',
  },
  {
    name: 'gateways',
    env: 'GATEWAYS',
    argument: '<n>',
    fallback: '1',
    help: 'gateways, on --port and the next ports that nothing else here uses',
  },
  {
    name: 'brokers',
    env: 'KAFKA_BROKERS',
    argument: '<host:port,…>',
    fallback: '',
    help: 'Redpanda or Kafka instead of the embedded log',
  },
  {
    name: 'issuer',
    env: 'OIDC_ISSUER',
    argument: '<url>',
    fallback: '',
    help: 'OpenID Connect issuer instead of the development one',
  },
  {
    name: 'client-id',
    env: 'OIDC_CLIENT_ID',
    argument: '<id>',
    fallback: '',
    help: 'of this application at that issuer',
  },
  { name: 'audience', env: 'OIDC_AUDIENCE', argument: '<name>', fallback: 'streampay', help: 'of the access tokens' },
  {
    name: 'operator',
    env: 'OIDC_OPERATOR',
    argument: '<claim=value>',
    fallback: '',
    help: 'claim that makes an operator at that issuer, such as roles=operator; without it there are no operators',
  },
  {
    name: 'log-level',
    env: 'LOG_LEVEL',
    argument: '<level>',
    fallback: 'info',
    help: logLevels.join(', '),
  },
] as const satisfies readonly OptionSpec[]

export type OptionName = (typeof specs)[number]['name']

export function helpText(): string {
  const rows = specs.map(({ name, argument, env, fallback, help }) => ({
    left: `--${name} ${argument}`,
    right: `${help}${fallback === '' ? '' : ` (${fallback})`} [${env}]`,
  }))
  rows.splice(4, 0, { left: '--no-simulation', right: 'without simulated users [SIMULATION=off]' })
  rows.push(
    { left: '--no-open', right: 'does not open the browser; without a terminal it never does [STREAMPAY_OPEN=off]' },
    { left: '--trust', right: 'puts the development certificate into the stores of this system and its browsers' },
    { left: '--untrust', right: 'removes it from them, and starts nothing' },
    { left: '--help', right: 'this list' },
  )
  const width = Math.max(...rows.map(({ left }) => left.length)) + 2
  return `Starts StreamPay: log, development issuer, payments, gateway and simulated users.

Usage: npm start -- [options]

${rows.map(({ left, right }) => `  ${left.padEnd(width)}${right}`).join('\n')}

In brackets: the environment variable that sets the same. An external log's TLS and SASL are set by
KAFKA_TLS, KAFKA_TLS_CA, KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD.
`
}

export function specOf(name: OptionName): OptionSpec {
  const spec = specs.find((candidate) => candidate.name === name)
  if (spec === undefined) throw new RangeError(`no option ${name}`)
  return spec
}
