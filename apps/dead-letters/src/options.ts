/** Parses and checks the command line. */
import { parseArgs } from 'node:util'
import type { LetterFilter, LetterId } from './letters.ts'

export const help = `npm run dead-letters -- <list | show | replay> [<letter>…] [options]

Records of commands and users that could not be processed, and how to put them back. A letter is named by its place on
the topic dead-letters, partition/offset, as list prints it.

  list     all letters, newest last
  show     all of each letter: place, reason, stack, headers, value
  replay   writes the records again to the topics that they came from, as they were, and waits for the answers.
           Without --yes it only prints what it would do

  --origin <place>   only those of a topic, topic/partition or topic/partition/offset
  --reason <text>    only those whose reason contains it
  --key <text>       only those of this key (the sender's identity)
  --since <time>     only those not older (2026-11-05T10:00:00Z, or 90m, 12h, 3d ago); --until <time>: only older ones
  --limit <n>        at most so many, 1 to 1000 (default 100): list shows the newest, replay takes the oldest
  --all              replay without letters and filters: all letters
  --yes              replay: do it
  --wait <seconds>   replay: for the answers, 0 to 60 (default 10)
  --brokers <list>   host:port, comma-separated (default: KAFKA_BROKERS, or those that npm start used last
                     with the data folder of STREAMPAY_DATA, or localhost:9092)
  --help             this text

A command keeps its idempotency key, so one that did take effect, or is put back twice, is answered with its
first outcome and not done again. It is refused once it, or an earlier command with its key, is older than keys are kept
(24 hours, of which 1 is a safety margin), if it has no idempotency key, if the letter was cut, and if it comes from another topic. A
record of users is refused if a newer one has replaced it. Letters are never deleted; the topic keeps them for 30 days.
The sender of a command was told that it failed and had no effect, and may have sent another one since: check that first.

KAFKA_TLS, KAFKA_TLS_CA, KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD are honoured.
Exit codes: 0 done (or, without --yes, all may be put back), 1 something was not found, refused, failed again or not answered
in time, 2 the command line is invalid, 3 the log can't be read or written.`

export type Request = {
  readonly action: 'list' | 'show' | 'replay'
  readonly ids: readonly LetterId[]
  readonly filter: LetterFilter
  readonly limit: number
  readonly yes: boolean
  readonly waitMs: number
  readonly brokers: string | undefined
}

/** A mistake on the command line, in one sentence. */
export class UsageError extends Error {}

const options = {
  origin: { type: 'string' },
  reason: { type: 'string' },
  key: { type: 'string' },
  since: { type: 'string' },
  until: { type: 'string' },
  limit: { type: 'string', default: '100' },
  all: { type: 'boolean', default: false },
  yes: { type: 'boolean', default: false },
  wait: { type: 'string', default: '10' },
  brokers: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const

/** @throws UsageError */
export function requestFrom(args: readonly string[], nowMs: number): Request | 'help' {
  const { values, positionals } = parsed(args)
  if (values.help) return 'help'
  const [action, ...letters] = positionals
  if (action !== 'list' && action !== 'show' && action !== 'replay') {
    throw new UsageError(
      action === undefined ? 'Give an action: list, show or replay.' : `There is no command "${action}".`,
    )
  }
  const filter = {
    origin: originFrom(values.origin),
    reason: values.reason,
    key: values.key,
    since: values.since === undefined ? undefined : timeFrom('since', values.since, nowMs),
    until: values.until === undefined ? undefined : timeFrom('until', values.until, nowMs),
  }
  const isFiltered = Object.values(filter).some((value) => value !== undefined)
  if (letters.length > 0 && isFiltered) throw new UsageError('Name letters, or choose them by filters, not both.')
  if (action === 'list' && letters.length > 0) throw new UsageError('list takes filters; show takes letters.')
  if (action === 'replay' && letters.length === 0 && !isFiltered && !values.all) {
    throw new UsageError('Choose letters: name them, use filters, or use --all.')
  }
  return {
    action,
    ids: [...new Set(letters)].map(idFrom),
    filter,
    limit: wholeNumber('limit', values.limit, { min: 1, max: 1_000 }),
    yes: values.yes,
    waitMs: wholeNumber('wait', values.wait, { min: 0, max: 60 }) * 1_000,
    brokers: values.brokers,
  }
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true })
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : String(cause), { cause })
  }
}

function idFrom(text: string): LetterId {
  const [, partition, offset] = /^(\d{1,9})\/(\d{1,15})$/.exec(text) ?? []
  if (partition === undefined) throw new UsageError(`"${text}" is not a letter: it must be partition/offset, as 2/17.`)
  return { partition: Number(partition), offset: Number(offset) }
}

function originFrom(text: string | undefined): string | undefined {
  if (text === undefined || /^[\w.-]+(\/\d+){0,2}$/.test(text)) return text
  throw new UsageError(`--origin "${text}" is not topic, topic/partition or topic/partition/offset.`)
}

const units = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

function timeFrom(name: string, text: string, nowMs: number): number {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  const at = count === undefined ? Date.parse(text) : nowMs - Number(count) * units[unit as keyof typeof units]
  if (Number.isFinite(at)) return Math.max(0, at)
  throw new UsageError(`--${name} "${text}" is neither a time, as 2026-11-05T10:00:00Z, nor an age, as 90m, 12h or 3d.`)
}

function wholeNumber(name: string, text: string, { min, max }: { readonly min: number; readonly max: number }): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= min && value <= max) return value
  throw new UsageError(`--${name} "${text}" must be a whole number from ${min} to ${max}.`)
}
