import { parseArgs } from 'node:util'
import { logLevels } from '@streampay/process/environment'
import { type OptionName, specOf, specs } from './option-list.ts'
import { crowdOf, type Given, integerOf, isGiven, oneOf, speedOf, UsageError } from './option-values.ts'

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
