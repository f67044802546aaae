/**
 * The answers that clients may get, judged from outside: by the order of their calls alone (invoked, answered), without knowledge of
 * partitions, batches or processes. A call precedes another if it was answered before the other was invoked; calls that overlap may have
 * happened in either order. So for everything that depends on order there are only bounds:
 *
 *     balance before a payment  ≤  grant + credits that were invoked before its answer − debits answered before its call
 *     balance before a payment  ≥  grant − debits invoked before its answer
 *
 * A refusal changed nothing and is not stored: the same key may be refused any number of times. What was carried out is one outcome, given
 * in every answer from then on. A key is kept for a day, by the time of the record that repeats it. So the calls of one era, in which the
 * clock was never set forward, have one outcome, and those of the next era have another. For a call that was written in one era and
 * answered in the next, it can't be known from outside whether it repeats another call of its key: it bounds only what may have happened.
 */
import { type Answer, type Call, pathIdOf } from './clients.ts'
import { type Body, canonical, fieldErrors, hasPath, meaningOf } from './naive-bodies.ts'

/** All calls of one era with one identity and key whose commands are equal: they have one outcome, or a refusal each. */
type Intent = {
  readonly by: string
  readonly key: string
  readonly model: string
  readonly body: Body
  readonly requestId: string | undefined
  readonly calls: Call[]
  /** False if a call with this key was answered in another era: then this is one answer alone, which may repeat another. */
  readonly isSure: boolean
  /** The earliest time of its outcome, and the time when it was certain. */
  readonly from: number
  readonly until: number
  /** The answers that are an outcome, in the order in which clients got them. */
  readonly outcomes: Answer[]
}

const grant = 50_000
const treasury = 'streampay:treasury'
const never = Number.POSITIVE_INFINITY

export function checkClients(calls: readonly Call[]): string[] {
  const sound = calls.filter(({ item }) => item.broken === undefined)
  const intents = intentsOf(sound)
  return [
    ...unanswered(calls),
    ...checkKeys(sound),
    ...checkOutcomes(intents),
    ...checkIds(intents),
    ...checkMoney(intents),
    ...checkClosings(intents),
  ].map((finding) => `clients: ${finding}`)
}

function* unanswered(calls: readonly Call[]): Iterable<string> {
  for (const { item, answers, written } of calls) {
    const wanted = item.broken === 'unknown-reply-topic' ? 0 : written.length
    if (answers.length !== wanted)
      yield `#${item.number} was written ${wanted} times and answered ${answers.length} times`
  }
}

/** An answer to a command that was carried out. */
function isSuccess({ status }: Answer): boolean {
  return status < 300
}

/** A refusal that was decided on the state: not "try again", not a malformed body, not a key of another command. */
function isRefusal({ status, body }: Answer): boolean {
  return status >= 400 && status !== 503 && !['malformed-body', 'idempotency-key-reused'].includes(slugOf(body))
}

/** One key, one intent: after it was carried out, every other command with its key is refused, and never the reverse. */
function* checkKeys(calls: readonly Call[]): Iterable<string> {
  for (const [key, all] of Map.groupBy(calls, ({ item, era }) => `${era} ${item.by} ${item.key}`)) {
    const ofEra = all.filter((call) => !straddles(call))
    const successes = ofEra.filter(({ answers }) => answers.some(isSuccess))
    const bodies = new Map(successes.map((call) => [intentOf(call), call]))
    if (bodies.size > 1) {
      const numbers = [...bodies.values()].map(({ item }) => `#${item.number}`)
      yield `key ${key} stands for ${numbers.join(' and ')}, which ask for different things`
    }
    const [owner] = bodies.keys()
    const since = Math.min(...successes.flatMap(({ answers }) => answers.filter(isSuccess).map(({ at }) => at)))
    for (const call of ofEra.filter(({ invokedAt }) => invokedAt > since)) {
      const isReuse = call.answers.some(({ body }) => slugOf(body) === 'idempotency-key-reused')
      if (isReuse && intentOf(call) === owner) yield `#${call.item.number} was refused as a reuse of its own key`
      if (intentOf(call) === owner && call.answers.some(isRefusal)) {
        yield `#${call.item.number} was refused after its key had been told that it was carried out`
      }
    }
  }
}

/** One outcome: every answer is the same, and all but the first are marked as repeated. */
function* checkOutcomes(intents: readonly Intent[]): Iterable<string> {
  for (const { calls, outcomes, isSure } of intents) {
    if (!isSure || outcomes.some(isRefusal)) continue
    const numbers = calls.map(({ item }) => `#${item.number}`).join(', ')
    const told = new Set(outcomes.map(({ status, body }) => `${status} ${canonical(body)}`))
    if (told.size > 1) yield `one intent (${numbers}) was told ${[...told].join(' and ')}`
    const first = outcomes.filter(({ replayed }) => !replayed)
    if (outcomes.length > 0 && first.length !== 1) {
      yield `${first.length} answers of one intent (${numbers}) claim to be the first`
    }
  }
}

/** Every transfer and every request has an id of its own. */
function* checkIds(intents: readonly Intent[]): Iterable<string> {
  const seen = new Map<string, Intent>()
  for (const intent of intents) {
    const [outcome] = intent.outcomes
    const id = outcome?.status === 200 ? outcome.body.transferId : outcome?.status === 201 ? outcome.body.id : undefined
    if (typeof id !== 'string') continue
    const earlier = seen.get(id)
    if (earlier !== undefined && !mayBeOne(earlier, intent)) {
      yield `${nameOf(earlier)} and ${nameOf(intent)} were both told ${id}`
    }
    seen.set(id, intent)
  }
}

type Movement = { readonly amount: number; readonly from: number; readonly until: number; readonly intent: Intent }

function* checkMoney(intents: readonly Intent[]): Iterable<string> {
  const payments = intents.filter(({ model, outcomes }) => model === 'PayCommand' && outcomes[0]?.status === 200)
  const movements = payments.map((intent): Movement => {
    const { from, until, body } = intent
    return { amount: Number(body.amount), from, until, intent }
  })
  const debits = Map.groupBy(movements, ({ intent }) => intent.by)
  const credits = Map.groupBy(movements, ({ intent }) => String(intent.body.userId))
  for (const intent of intents) {
    if (intent.by === treasury || intent.model !== 'PayCommand' || !intent.isSure) continue
    const told = balanceTold(intent)
    if (told === undefined) continue
    const spent = debits.get(intent.by) ?? []
    const gained = credits.get(intent.by) ?? []
    const most =
      grant +
      sum(gained.filter(({ from }) => from < intent.until)) -
      sum(spent.filter((debit) => debit.intent !== intent && debit.until < intent.from))
    const least = grant - sum(spent.filter((debit) => debit.intent !== intent && debit.from < intent.until))
    if (told > most) yield `${nameOf(intent)} was told of ${told} cents, where there were at most ${most}`
    if (told < Math.max(0, least))
      yield `${nameOf(intent)} was told of ${told} cents, where there were at least ${least}`
    if (intent.outcomes[0]?.status === 200 && told < Number(intent.body.amount)) {
      yield `${nameOf(intent)} spent ${intent.body.amount} of ${told} cents`
    }
  }
  yield* checkOwnOrder(intents, { debits, credits })
}

/** The answers of one payer, one after the other: no payment is forgotten, and no money comes from nowhere. */
function* checkOwnOrder(
  intents: readonly Intent[],
  { debits, credits }: { debits: Map<string, Movement[]>; credits: Map<string, Movement[]> },
): Iterable<string> {
  const payers = Map.groupBy(
    intents.filter((intent) => intent.isSure && intent.by !== treasury && balanceTold(intent) !== undefined),
    ({ by }) => by,
  )
  for (const [by, told] of payers) {
    for (const later of told) {
      const earlier = told.filter(({ until }) => until < later.from).sort((a, b) => b.until - a.until)[0]
      if (earlier === undefined) continue
      const before = balanceAfter(earlier)
      const others = (debits.get(by) ?? []).filter(({ intent }) => intent !== earlier && intent !== later)
      const mayBeBetween = others.filter(({ from, until }) => until >= earlier.from && from < later.until)
      const surelyBetween = others.filter(({ from, until }) => from > earlier.until && until < later.from)
      const gained = (credits.get(by) ?? []).filter(({ from }) => from < later.until)
      const balance = balanceTold(later) ?? 0
      const least = before - sum(mayBeBetween)
      if (balance < least) {
        yield `${nameOf(later)} was told of ${balance} cents; after ${nameOf(earlier)} there were at least ${least}`
      }
      const most = before + sum(gained) - sum(surelyBetween)
      if (balance > most) {
        yield `${nameOf(later)} was told of ${balance} cents; after ${nameOf(earlier)} there were at most ${most}`
      }
    }
  }
}

/** The payer's balance before the payment, as the answer has it. */
function balanceTold({ outcomes, body }: Intent): number | undefined {
  const [outcome] = outcomes
  if (outcome?.status === 200) return Number(outcome.body.balance) + Number(body.amount)
  if (outcome !== undefined && slugOf(outcome.body) === 'insufficient-funds') return Number(outcome.body.available)
  return undefined
}

function balanceAfter(intent: Intent): number {
  return (balanceTold(intent) ?? 0) - (intent.outcomes[0]?.status === 200 ? Number(intent.body.amount) : 0)
}

/** A request is closed once; later commands get that status, and no status without a command that could have caused it. */
function* checkClosings(intents: readonly Intent[]): Iterable<string> {
  const touching = intents.filter(({ requestId, outcomes }) => requestId !== undefined && outcomes.length > 0)
  for (const [requestId, ofRequest] of Map.groupBy(touching, (intent) => intent.requestId)) {
    const closings = ofRequest.filter((intent) => statusGiven(intent) !== undefined)
    const [closing, ...others] = closings
    if (closing !== undefined && others.some((other) => !mayBeOne(closing, other))) {
      yield `request ${requestId} was closed twice, by ${closings.map(nameOf).join(' and ')}`
      continue
    }
    for (const intent of ofRequest) {
      const told = intent.outcomes[0]?.body.requestStatus
      if (told === undefined) continue
      if (told === 'expired') {
        if (closing !== undefined)
          yield `${nameOf(intent)} was told that request ${requestId} expired, which ${nameOf(closing)} closed`
        continue
      }
      const isPossible = closing !== undefined && statusGiven(closing) === told && closing.from < intent.until
      if (!isPossible)
        yield `${nameOf(intent)} was told that request ${requestId} is ${told}, though no command had this effect`
    }
    yield* checkKnown(requestId ?? '', ofRequest)
  }
}

/** A client that acts on a request which it knows from an answer must not get "unknown", unless months have passed. */
function* checkKnown(requestId: string, intents: readonly Intent[]): Iterable<string> {
  const knowing = ['request-closed', 'amount-differs', 'recipient-differs']
  for (const intent of intents) {
    if (!intent.isSure || slugOf(intent.outcomes[0]?.body ?? {}) !== 'unknown-request') continue
    const earlier = intents.find((other) => {
      const [outcome] = other.outcomes
      const isKnowing = statusGiven(other) !== undefined || knowing.includes(slugOf(outcome?.body ?? {}))
      return isKnowing && other.by === intent.by && other.until < intent.from && eraOf(other) === eraOf(intent)
    })
    if (earlier !== undefined && isOfSameSide(earlier, intent)) {
      yield `${nameOf(intent)} was told that there is no request ${requestId}, which ${nameOf(earlier)} had acted on`
    }
  }
}

/** Pay and decline are decided by the same task as cancel and remind, but the latter are first looked up by another. */
function isOfSameSide(left: Intent, right: Intent): boolean {
  return isOfRequester(left) === isOfRequester(right)
}

function isOfRequester({ model }: Intent): boolean {
  return model === 'CancelCommand' || model === 'RemindCommand'
}

function statusGiven({ model, outcomes }: Intent): string | undefined {
  if (outcomes[0]?.status !== 200) return undefined
  switch (model) {
    case 'PayCommand':
      return 'paid'
    case 'DeclineCommand':
      return 'declined'
    case 'CancelCommand':
      return 'cancelled'
    default:
      return undefined
  }
}

function intentsOf(calls: readonly Call[]): Intent[] {
  const valid = calls.filter(({ item, body }) => fieldErrors(item.model, body).length === 0)
  const ofKeys = Map.groupBy(valid, ({ item }) => `${item.by} ${item.key}`)
  return [...ofKeys.values()].flatMap((ofKey) => {
    if (ofKey.some(straddles)) return ofKey.flatMap((call) => unsureIntents(call, ofKey))
    return [...Map.groupBy(ofKey, (call) => `${call.era} ${intentOf(call)}`).values()].flatMap(sureIntents)
  })
}

/** All calls that were carried out as one; and each refusal by itself, since it may have been decided anew. */
function sureIntents(calls: Call[]): Intent[] {
  const [first] = calls
  if (first === undefined) return []
  const { item, body, requestId } = first
  const { by, key, model } = item
  const common = { by, key, model, body, requestId, isSure: true }
  const outcomes = calls
    .flatMap(({ answers }) => answers)
    .filter(isSuccess)
    .sort((a, b) => a.at - b.at)
  const until = outcomes[0]?.at ?? never
  const refusals = calls.flatMap((call) =>
    call.answers.filter(isRefusal).map((answer): Intent => {
      return { ...common, calls: [call], from: call.invokedAt, until: answer.at, outcomes: [answer] }
    }),
  )
  return [{ ...common, calls, from: firstInvoked(calls), until, outcomes }, ...refusals]
}

/** One for each answer: a command that was written twice may have been carried out twice. */
function unsureIntents(call: Call, ofKey: readonly Call[]): Intent[] {
  const { item, body, requestId, answers } = call
  const span = { isSure: false, from: firstInvoked(ofKey), until: never }
  return answers
    .filter((answer) => isSuccess(answer) || isRefusal(answer))
    .map((answer) => {
      const { by, key, model } = item
      return { by, key, model, body, requestId, calls: [call], ...span, outcomes: [answer] }
    })
}

function firstInvoked(calls: readonly Call[]): number {
  return Math.min(...calls.map(({ invokedAt }) => invokedAt))
}

function straddles({ era, answeredIn }: Call): boolean {
  return era !== answeredIn
}

/** Whether the one's answer may depend on the other's effect. */
function mayBeOne(left: Intent, right: Intent): boolean {
  return !left.isSure && left.by === right.by && left.key === right.key
}

function intentOf({ item, body, requestId }: Call): string {
  return canonical([item.model, hasPath(item.model) ? pathIdOf(item, requestId) : '', meaningOf(body)])
}

function eraOf({ calls }: Intent): number | undefined {
  return calls[0]?.era
}

function nameOf({ calls }: Intent): string {
  return `#${calls[0]?.item.number}`
}

function slugOf(body: Body): string {
  return String(body.type ?? '').replace('urn:streampay:problem:', '')
}

function sum(movements: readonly Movement[]): number {
  return movements.reduce((total, { amount }) => total + amount, 0)
}
