/** The steps of payments that were made one by one, from the moments of all processes, and their cost. */
import { applicationIds, topicNames } from '@streampay/domain'
import { apis } from '@streampay/kafka/wire'
import { percentile } from '../harness/spread.ts'
import type { Stamped } from './moments-of.ts'

/** The steps in order; each with what happened since the one before. */
export const steps = [
  { name: 'appended', title: 'gateway: checked, encoded; request to the log' },
  { name: 'durable', title: 'log: command synced' },
  { name: 'read', title: 'payments: command fetched' },
  { name: 'decided', title: 'payments: decided' },
  { name: 'produced', title: 'payments: batches encoded; request to the log' },
  { name: 'written', title: 'log: batches synced, acknowledged' },
  { name: 'positioned', title: 'log: offsets synced, acknowledged' },
  { name: 'ended', title: 'log: EndTxn, markers synced: visible' },
  { name: 'replied', title: 'gateway: reply fetched' },
  { name: 'answered', title: 'gateway: answer handed to HTTP' },
] as const
type Step = (typeof steps)[number]['name']

/** When each step of a payment was over, in ms. */
export type Way = { readonly id: string; readonly asked: number } & Readonly<Record<Step, number>>

type Begun = { readonly id: string; readonly asked: number; command?: { partition: number; offset: number } } & {
  -readonly [step in Step]?: number
}

/** The steps of payments one after the other; a payment with a missing step, or with another order, is left out. */
export function waysOf(moments: readonly Stamped[]): Way[] {
  const ways: Way[] = []
  let way: Begun | undefined
  for (const moment of moments) {
    if (moment.step === 'asked') way = { id: moment.id, asked: moment.at }
    if (way === undefined) continue
    const step = stepOf(moment, way)
    if (step === undefined) continue
    // The first batch of a payment is its command.
    if (moment.step === 'appended') way.command ??= moment
    way[step] = moment.at
    if (step !== 'answered') continue
    if (isWhole(way)) ways.push(way)
    way = undefined
  }
  return ways
}

/** The step of this payment that the moment ends; undefined if none. */
function stepOf(moment: Stamped, way: Begun): Step | undefined {
  const { command } = way
  switch (moment.step) {
    case 'appended':
      if (moment.topic === topicNames.commands) return first(way, 'appended')
      return moment.topic === topicNames.replies && way.decided !== undefined ? first(way, 'produced') : undefined
    case 'durable':
    case 'read': {
      const isOfCommand = moment.topic === topicNames.commands && moment.partition === command?.partition
      return isOfCommand && moment.offset > command.offset ? first(way, moment.step) : undefined
    }
    case 'decided':
      return isPayments(moment.id) && way.read !== undefined ? first(way, 'decided') : undefined
    case 'written':
    case 'positioned':
      return isPayments(moment.id) && way.produced !== undefined ? first(way, moment.step) : undefined
    case 'ended':
      return isPayments(moment.id) && way.positioned !== undefined ? first(way, 'ended') : undefined
    case 'replied':
    case 'answered':
      return moment.id === way.id ? moment.step : undefined
    default:
      return undefined
  }
}

function first(way: Begun, step: Step): Step | undefined {
  return way[step] === undefined ? step : undefined
}

function isPayments(transactionalId: string): boolean {
  return transactionalId.startsWith(`${applicationIds.payments}-`)
}

function isWhole(way: Begun): way is Begun & Way {
  let last = way.asked
  for (const { name } of steps) {
    const at = way[name]
    if (at === undefined || at < last) return false
    last = at
  }
  return true
}

export type StepSpread = { readonly title: string; readonly p50Ms: number; readonly p99Ms: number }

/** @param took in ms */
export function spreadOf(title: string, took: readonly number[]): StepSpread {
  return { title, p50Ms: percentile(took, 0.5), p99Ms: percentile(took, 0.99) }
}

/** Of each step, and of all together. */
export function spreadsOf(ways: readonly Way[]): { readonly steps: readonly StepSpread[]; readonly all: StepSpread } {
  return {
    steps: steps.map(({ name, title }, index) => {
      const before = steps[index - 1]?.name ?? 'asked'
      return spreadOf(
        title,
        ways.map((way) => way[name] - way[before]),
      )
    }),
    all: spreadOf(
      'from accepted to answered',
      ways.map((way) => way.answered - way.asked),
    ),
  }
}

/** A number for each payment; some with their parts. */
export type Cost = { readonly what: string; readonly number: number; readonly parts: ReadonlyMap<string, number> }

/** The work of each payment, with its credit and the statistics. */
export function costsOf(moments: readonly Stamped[], payments: number): Cost[] {
  const costs = new Map(kinds.map((what) => [what, { what, number: 0, parts: new Map<string, number>() }]))
  const add = (what: Kind, number: number, part?: string) => {
    const cost = costs.get(what)
    if (cost === undefined) return
    cost.number += number / payments
    if (part !== undefined) cost.parts.set(part, (cost.parts.get(part) ?? 0) + number / payments)
  }
  for (const moment of moments) {
    switch (moment.step) {
      case 'request':
        add('requests to the log', 1, apiNames.get(moment.api) ?? `API key ${moment.api}`)
        break
      case 'appended':
        add('batches', 1)
        add('records', moment.records, moment.topic)
        add('bytes of batches', moment.bytes)
        break
      case 'marked':
        add('markers', 1)
        add('bytes of markers', moment.bytes)
        break
      case 'synced':
        add('syncs', 1)
        add('bytes of the journal', moment.bytes)
        break
      case 'woken':
        add('fetches woken', 1)
        break
      case 'ended':
        add('transactions', 1, moment.id)
        break
      default:
    }
  }
  return [...costs.values()]
}

const kinds = [
  'transactions',
  'records',
  'batches',
  'bytes of batches',
  'markers',
  'bytes of markers',
  'syncs',
  'bytes of the journal',
  'requests to the log',
  'fetches woken',
] as const
type Kind = (typeof kinds)[number]

const apiNames = new Map(Object.values(apis).map(({ key, name }) => [key, name]))
