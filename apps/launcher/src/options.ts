import { parseArgs } from 'node:util'
import { logLevels, numberOf, wholeNumberOf } from '@streampay/process/environment'

/** The settings of `npm start`, by option or environment variable; the option wins. */
export type LauncherOptions = {
  readonly port: number
  readonly brokerPort: number
  readonly identityPort: number
  /** Unchanged; the launcher resolves it. */
  readonly data: string
  /** Whether the browser is opened once all is ready. */
  readonly open: boolean
  /** Whether to add the development certificate to the trust stores of this machine, or to remove it. */
  readonly trust: 'add' | 'remove' | undefined
  readonly simulation: boolean
  readonly speed: number
  readonly seed: string | undefined
  readonly users: number
  readonly maxUsers: number
  /** How many payments processes share the partitions. */
  readonly slots: number
  /** How many of the others keep the state of each partition ready. */
  readonly standbys: number
  /** How many gateways serve the application, each on a port of its own. */
  readonly gateways: number
  /** An external log instead of the embedded broker: `host:port,host:port`. */
  readonly brokers: string | undefined
  /** An external issuer instead of the development one. */
  readonly issuer: string | undefined
  readonly clientId: string
  readonly audience: string
  /** `claim=value` in the tokens of an operator, at an external issuer. */
  readonly operator: string | undefined
  readonly logLevel: string
}

/** A mistake in the options, in one sentence. */
export class UsageError extends Error {}

type OptionSpec = {
  readonly name: string
  readonly env: string
  readonly argument: string
  readonly fallback: string
  readonly help: string
}

const specs = [
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

type OptionName = (typeof specs)[number]['name']

/**
 * @param args the command line after the script's name
 * @returns the options, or `help` when only the list of them is wanted
 * @throws {UsageError} for an unknown option or an invalid value
 */
export function parseOptions(args: readonly string[], env: NodeJS.ProcessEnv): LauncherOptions | 'help' {
  const values = parseArguments(args)
  if (values.help) return 'help'
  const given = (name: OptionName): Given => {
    const spec = specOf(name)
    const option = { label: `--${name}`, text: values.texts.get(name) }
    const variable = { label: spec.env, text: env[spec.env] }
    return [option, variable].find(isGiven) ?? { label: option.label, text: spec.fallback, isDefault: true }
  }
  const text = (name: OptionName): string => given(name).text
  const integer = (name: OptionName, limits: { min: number; max: number }) => integerOf(given(name), limits)
  const port = { min: 1, max: 65_535 }
  const { users, maxUsers } = crowdOf(given('users'), given('max-users'))
  const options: LauncherOptions = {
    port: integer('port', port),
    brokerPort: integer('broker-port', port),
    identityPort: integer('identity-port', port),
    data: text('data'),
    open: values.open ?? env.STREAMPAY_OPEN !== 'off',
    trust: trustOf(values),
    simulation: values.simulation ?? env.SIMULATION !== 'off',
    speed: speedOf(given('speed')),
    seed: nonEmpty(text('seed')),
    users,
    maxUsers,
    slots: integer('slots', { min: 1, max: 16 }),
    standbys: integer('standbys', { min: 0, max: 15 }),
    gateways: integer('gateways', { min: 1, max: 16 }),
    brokers: nonEmpty(text('brokers')),
    issuer: nonEmpty(text('issuer')),
    clientId: text('client-id'),
    audience: text('audience'),
    operator: nonEmpty(text('operator')),
    logLevel: oneOf(given('log-level'), logLevels),
  }
  checkTogether(options, (name) => given(name).label)
  return options
}

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

/** Options without a value; `no-` before the name negates each. */
const switches = {
  simulation: { type: 'boolean' },
  open: { type: 'boolean' },
  trust: { type: 'boolean' },
  untrust: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const

function trustOf({ trust = false, untrust = false }: { trust: boolean | undefined; untrust: boolean | undefined }) {
  if (trust && untrust) throw new UsageError('--trust and --untrust are the opposite of each other: choose one.')
  if (untrust) return 'remove'
  return trust ? 'add' : undefined
}

/** A value, and the option or variable that gave it, to name in a refusal. */
type Given = { readonly label: string; readonly text: string; readonly isDefault?: boolean }

function isGiven(candidate: { readonly label: string; readonly text: string | undefined }): candidate is Given {
  return candidate.text !== undefined
}

function parseArguments(args: readonly string[]) {
  const optionTypes = Object.fromEntries(specs.map(({ name }) => [name, { type: 'string' as const }]))
  try {
    const { values } = parseArgs({
      args: withNegativeNumbers(args),
      options: { ...optionTypes, ...switches },
      allowNegative: true,
    })
    const texts = new Map<string, string>()
    for (const [name, value] of Object.entries(values)) if (typeof value === 'string') texts.set(name, value)
    const switchOf = (name: keyof typeof switches) => {
      const value = values[name]
      return typeof value === 'boolean' ? value : undefined
    }
    return {
      texts,
      simulation: switchOf('simulation'),
      open: switchOf('open'),
      trust: switchOf('trust'),
      untrust: switchOf('untrust'),
      help: switchOf('help') === true,
    }
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    const missing = /^Option '(?:-\w, )?(--[\w-]+).*argument (?:missing|is ambiguous)/.exec(message)?.[1]
    const sentence = missing === undefined ? message.split(/\.(?:\s|$)/)[0] : `${missing} needs a value`
    throw new UsageError(`${sentence}. See npm start -- --help.`, { cause })
  }
}

/** `--port -1` is an invalid port, and no option `-1`. */
function withNegativeNumbers(args: readonly string[]): string[] {
  const joined: string[] = []
  for (const arg of args) {
    const last = joined.at(-1)
    const takesValue = specs.some(({ name }) => last === `--${name}`)
    if (takesValue && /^-\d/.test(arg)) joined[joined.length - 1] = `${last}=${arg}`
    else joined.push(arg)
  }
  return joined
}

function specOf(name: OptionName): OptionSpec {
  const spec = specs.find((candidate) => candidate.name === name)
  if (spec === undefined) throw new RangeError(`no option ${name}`)
  return spec
}

function integerOf({ label, text }: Given, { min, max }: { min: number; max: number }): number {
  const value = wholeNumberOf(text)
  if (!(value >= min && value <= max)) {
    throw new UsageError(`${label} must be a whole number from ${min} to ${max}; "${text}" isn't.`)
  }
  return value
}

/** If only one of the two numbers is given, the other one follows it. */
function crowdOf(first: Given, most: Given) {
  const limits = { min: 0, max: 10_000 }
  const users = integerOf(first, limits)
  const maxUsers = integerOf(most, limits)
  if (users <= maxUsers) return { users, maxUsers }
  if (first.isDefault) return { users: maxUsers, maxUsers }
  if (most.isDefault) return { users, maxUsers: users }
  throw new UsageError(`${first.label} (${users}) must not be more than ${most.label} (${maxUsers}).`)
}

function speedOf({ label, text }: Given): number {
  const value = numberOf(text)
  if (!(value >= 0.01 && value <= 1000)) throw new UsageError(`${label} must be from 0.01 to 1000; "${text}" isn't.`)
  return value
}

function oneOf({ label, text }: Given, choices: readonly string[]): string {
  if (!choices.includes(text)) throw new UsageError(`${label} must be one of ${choices.join(', ')}; "${text}" isn't.`)
  return text
}

/** The ports that will be listened on, with the option that chooses each. */
export function portsOf(options: LauncherOptions) {
  return [...gatewayPorts(options).map((port) => ({ port, option: '--port' })), ...portsBehind(options)]
}

/** `--port`, and then the next ones, without those of the log and the issuer. */
export function gatewayPorts(options: LauncherOptions): number[] {
  const taken = new Set(portsBehind(options).map(({ port }) => port))
  const ports = [options.port]
  for (let port = options.port + 1; ports.length < options.gateways; port++) if (!taken.has(port)) ports.push(port)
  return ports
}

function portsBehind({ brokerPort, identityPort, brokers, issuer }: LauncherOptions) {
  return [
    ...(brokers === undefined ? [{ port: brokerPort, option: '--broker-port' }] : []),
    ...(issuer === undefined ? [{ port: identityPort, option: '--identity-port' }] : []),
  ]
}

function checkTogether(options: LauncherOptions, labelOf: (name: OptionName) => string): void {
  const { issuer, clientId, operator } = options
  if (operator !== undefined && !/^[^=\s]+=\S+$/.test(operator)) {
    const form = 'a claim and its value, such as roles=operator'
    throw new UsageError(`${labelOf('operator')} must be ${form}; "${operator}" isn't.`)
  }
  const ports = portsOf(options).map(({ port }) => port)
  if (new Set(ports).size < ports.length)
    throw new UsageError(`Each service needs a port of its own; these are ${ports.join(', ')}.`)
  const last = Math.max(...ports)
  if (last > 65_535) throw new UsageError(`${options.gateways} gateways from --port ${options.port} need port ${last}.`)
  if (issuer === undefined) return
  if (!URL.canParse(issuer)) throw new UsageError(`${labelOf('issuer')} must be a URL; "${issuer}" isn't.`)
  if (clientId === '') {
    throw new UsageError(`${labelOf('issuer')} needs --client-id: the id of this application at that issuer.`)
  }
}

function nonEmpty(text: string): string | undefined {
  return text === '' ? undefined : text
}
