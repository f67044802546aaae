/** The command line of `npm run repair`, parsed and checked. */
import { parseArgs } from 'node:util'
import { maxReasonLength } from '@streampay/domain'

export const help = `npm run repair [-- options]

Payments and statistics never skip a record of a topic that they alone write: they stop, and stop again at each start. This
shows the record at which they would stop, and sets it aside if you say so.

Without options it runs both topologies on the log, from where they are, without writing anything, and shows the first record
of each task that stops it: where it is, why, its bytes, and its decoded value.

  --set-aside <place>  topic/partition/offset, as it is shown: that record is skipped from now on. Only a record that stops
                       a topology can be set aside, or the first of a batch that cannot be decoded (the gateway's log names
                       those that stop its views)
  --reason <text>      why, 1 to ${maxReasonLength} characters: it is written to the log, and the audit prints it
  --list               what has been set aside
  --brokers <list>     host:port, comma-separated (default: KAFKA_BROKERS, or those that npm start used last with the data
                       folder of STREAMPAY_DATA, or localhost:9092)
  --help               this text

The note goes to the topic set-aside. Every start of payments and statistics reads it, and so does the audit; start them again
after it. Gateways follow it while they run. The record has no effect: if it was an entry of the ledger, the audit will name the transfer that
lacks it.

KAFKA_TLS, KAFKA_TLS_CA, KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD are honoured.
Exit codes: 0 nothing stops them, or done; 1 something stops them, or the record does not; 2 the command line is
invalid; 3 the log can't be read or written.`

export type Place = { readonly topic: string; readonly partition: number; readonly offset: number }

export type Request =
  | { readonly action: 'find' | 'list'; readonly brokers: string | undefined }
  | {
      readonly action: 'set-aside'
      readonly place: Place
      readonly reason: string
      readonly brokers: string | undefined
    }

/** A mistake on the command line, in one sentence. */
export class UsageError extends Error {}

const options = {
  'set-aside': { type: 'string' },
  reason: { type: 'string' },
  list: { type: 'boolean', default: false },
  brokers: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const

/** @throws UsageError */
export function requestFrom(args: readonly string[]): Request | 'help' {
  const { values } = parsed(args)
  if (values.help) return 'help'
  const { brokers } = values
  const place = values['set-aside']
  if (place === undefined) {
    if (values.reason !== undefined) throw new UsageError('--reason belongs to --set-aside.')
    return { action: values.list ? 'list' : 'find', brokers }
  }
  if (values.list) throw new UsageError('Use --list or --set-aside, not both.')
  const reason = values.reason?.trim() ?? ''
  if (reason === '' || [...reason].length > maxReasonLength) {
    throw new UsageError(`--set-aside needs a --reason of 1 to ${maxReasonLength} characters.`)
  }
  return { action: 'set-aside', place: placeFrom(place), reason, brokers }
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: false, strict: true })
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : String(cause), { cause })
  }
}

function placeFrom(text: string): Place {
  const [, topic, partition, offset] = /^([\w.-]{1,249})\/(\d{1,9})\/(\d{1,15})$/.exec(text) ?? []
  if (topic === undefined) {
    throw new UsageError(`--set-aside "${text}" is not topic/partition/offset, as transactions/2/17.`)
  }
  return { topic, partition: Number(partition), offset: Number(offset) }
}
