/** Makes histories from a seed: few accounts with little money, so that commands conflict, and faults at the worst moments. */
import type { App, Fault, Place, Point } from './faults.ts'
import type { CommandItem, FaultItem, History, Item, Model, ProfileItem, Settings } from './history.ts'
import type { Rules } from './naive-types.ts'
import { Random } from './random.ts'

export type GenerateOptions = { readonly seed: number; readonly commands: number; readonly maxSlots: number }

/** Two have ids at the bounds: the longest, and the shortest whose transfer id exceeded its own bound. */
const people = [
  ...['ann', 'bob', 'cid', 'dot', 'eve', 'fay', 'gus', 'hal', 'ida', 'jon'],
  ...['kim'.padEnd(248, 'm'), 'lou'.padEnd(255, 'u')],
]
const treasury = 'streampay:treasury'
const openingGrant = 50_000

export function generate({ seed, commands, maxSlots }: GenerateOptions): History {
  const random = new Random(seed, 'history')
  const settings = settingsFrom(random, maxSlots)
  const writer = new Writer(random)
  const items: Item[] = []
  for (const name of writer.accounts.slice(random.below(3))) items.push(writer.profile(name))
  const faultChance = random.pick([0.03, 0.08, 0.15])
  const sleepsAt = settings.slots > 1 && random.chance(0.08) ? random.between(commands >> 2, commands >> 1) : undefined
  let hasSlept = false
  while (writer.commands < commands) {
    if (!hasSlept && sleepsAt !== undefined && writer.commands >= sleepsAt) {
      hasSlept = true
      items.push(...longSleep(random, settings, writer))
    }
    if (random.chance(faultChance)) items.push(...faultsFrom(random, settings))
    else if (random.chance(0.05)) items.push(...writer.arrival())
    else items.push(writer.command())
  }
  return { seed, settings, items, epilogue: writer.epilogue() }
}

function settingsFrom(random: Random, maxSlots: number): Settings {
  return {
    partitionCount: random.pick([2, 3, 4]),
    slots: random.between(1, maxSlots),
    paceMs: random.pick([0.2, 1, 5]),
    speeds: random.pick([[1], [0.1, 1, 3], [0.003, 0.1, 1, 10]]),
    maxBatchRecords: random.pick([1, 2, 5, 20, 4_000]),
    maxQueuedRecords: random.pick([2, 10, 10_000]),
    rules: rulesFrom(random),
    numStandbyReplicas: random.pick([0, 1, 1, 2]),
    standbyCheckEveryMs: random.pick([500, 3_000]),
    sessionTimeoutMs: 6_000,
    rebalanceTimeoutMs: random.pick([300, 2_000, 20_000, 20_000]),
    transactionTimeoutMs: 10_000,
    trimEveryMs: random.pick([100, 2_000]),
    minTrimRecords: random.pick([1, 5]),
    flushEveryMs: random.pick([1, 20, 200, 200, 5_000]),
    maxUnflushedEntries: random.pick([1, 20, 2_000]),
    maxCacheBytes: random.pick([1_000, 10_000, 64 * 1024 * 1024]),
    maxOutstanding: random.pick([2, 8, 20]),
  }
}

/** Mostly far away, so that the other rules are reached, too; sometimes so near that a bound is always reached. */
function rulesFrom(random: Random): Rules {
  const isNear = random.chance(0.3)
  const maxIdempotencyKeys = random.chance(0.9) ? 1_000_000 : random.between(8, 30)
  const maxOpenOfPair = isNear ? random.between(1, 3) : 20
  return {
    maxIdempotencyKeys,
    maxKeysOfIdentity: random.chance(0.85) ? maxIdempotencyKeys : Math.min(maxIdempotencyKeys, random.between(3, 12)),
    maxOpenOfRequester: isNear ? random.between(1, 6) : 200,
    maxOpenOfPair,
    maxOpenForDebtor: isNear ? maxOpenOfPair + random.between(1, 3) : 1_000,
    maxBlocked: random.chance(0.5) ? 1_000 : random.between(1, 2),
    maxFavourites: random.chance(0.5) ? 100 : random.between(1, 2),
    openMs: 30 * 86_400_000,
  }
}

/** Invents the clients' commands. */
class Writer {
  readonly accounts: readonly string[]
  commands = 0
  readonly #random: Random
  readonly #sent: CommandItem[] = []
  #keys = 0
  #names = 0

  constructor(random: Random) {
    this.#random = random
    const shuffled = people.map((name) => ({ name, rank: random.fraction() })).sort((a, b) => a.rank - b.rank)
    this.accounts = shuffled.slice(0, random.between(3, 8)).map(({ name }) => name)
  }

  profile(by: string): ProfileItem {
    const random = this.#random
    const name = random.chance(0.05) ? undefined : `${by.slice(0, 3)} ${this.#names++}`
    const item = { kind: 'profile', number: this.#number(), by, name } as const
    return random.chance(0.05)
      ? {
          ...item,
          broken: random.pick(['other-id', 'other-identity', 'other-partition', 'system-name', 'repeated-member']),
        }
      : item
  }

  /** A profile, and mostly a payment to its owner that does not wait for it. */
  arrival(): Item[] {
    const random = this.#random
    const profile = this.profile(random.pick(this.accounts))
    if (random.chance(0.3)) return [profile]
    const by = random.pick(this.accounts.filter((name) => name !== profile.by))
    const payment = {
      ...this.#fresh('PayCommand', by),
      to: profile.by,
      amount: this.#amount(),
      after: 'nobody',
    } as const
    this.#sent.push(payment)
    this.commands++
    return [profile, payment]
  }

  command(): CommandItem {
    const item = this.#next()
    this.#sent.push(item)
    this.commands++
    return item
  }

  /** Retries whose answers are known by now, and a payment from each account that shows its balance. */
  epilogue(): CommandItem[] {
    const random = this.#random
    const retries = Array.from({ length: Math.min(6, this.#sent.length) }, () => this.#retry(random.pick(this.#sent)))
    const probes = this.accounts.map((by): CommandItem => {
      const to = this.accounts.find((name) => name !== by) ?? treasury
      return { ...this.#fresh('PayCommand', by), to, amount: 900_000_000 }
    })
    return [...retries, ...probes].map((item) => ({ ...item, after: 'nobody' }))
  }

  #next(): CommandItem {
    const random = this.#random
    const last = this.#sent.at(-1)
    if (last !== undefined && random.chance(0.12)) {
      return this.#retry(random.chance(0.5) ? last : random.pick(this.#sent.slice(-30)))
    }
    const model = random.weighted<Model>([
      [10, 'PayCommand'],
      [4, 'RequestCommand'],
      [1.5, 'DeclineCommand'],
      [2, 'CancelCommand'],
      [1, 'RemindCommand'],
      [0.6, 'BlockCommand'],
      [0.6, 'UnblockCommand'],
      [0.4, 'FavouriteCommand'],
      [0.4, 'UnfavouriteCommand'],
    ])
    const by = random.chance(0.04) ? treasury : random.pick(this.accounts)
    const item = this.#addressed(this.#fresh(model, by))
    if (random.chance(0.04)) return this.#spoiled(item)
    // The key of another command.
    if (random.chance(0.04) && this.#sent.length > 0) {
      const other = random.pick(this.#sent.slice(-20))
      return { ...item, key: other.key, by: random.chance(0.8) ? other.by : item.by }
    }
    return item
  }

  #fresh(model: Model, by: string): CommandItem {
    const random = this.#random
    const after = random.weighted<CommandItem['after']>([
      [5, 'nobody'],
      [4, 'own'],
      [0.3, 'everybody'],
    ])
    const twice = random.chance(0.06) ? { twice: true } : {}
    const number = this.#number()
    return {
      kind: 'command',
      number,
      by,
      model,
      key: `k${this.#keys++}`,
      after,
      ...twice,
      ...visibilityOf(model, number),
    }
  }

  #retry(item: CommandItem): CommandItem {
    const after = this.#random.pick(['nobody', 'nobody', 'own'] as const)
    return { ...item, number: this.#number(), after, twice: this.#random.chance(0.1) }
  }

  #addressed(item: CommandItem): CommandItem {
    const random = this.#random
    const asked = this.#sent.filter(({ model, to }) => model === 'RequestCommand' && to !== undefined)
    const recent = random.chance(0.7) ? asked.slice(-4) : asked
    const request = recent.length === 0 ? undefined : random.pick(recent)
    switch (item.model) {
      case 'RequestCommand':
        return { ...item, to: this.#recipient(item.by), amount: random.between(1, 30_000), ...this.#notes() }
      case 'PayCommand':
        if (request === undefined || random.chance(0.7)) {
          return { ...item, to: this.#recipient(item.by), amount: this.#amount(), ...this.#notes() }
        }
        return this.#settling(item, request)
      case 'BlockCommand':
      case 'UnblockCommand':
      case 'FavouriteCommand':
      case 'UnfavouriteCommand':
        return { ...item, to: this.#recipient(item.by) }
      case 'DeclineCommand': {
        if (request === undefined) return { ...item, request: -1 }
        const by = random.chance(0.8) ? (request.to ?? item.by) : item.by
        return { ...item, by, request: request.number }
      }
      case 'CancelCommand':
      case 'RemindCommand': {
        if (request === undefined) return { ...item, request: -1 }
        return { ...item, by: random.chance(0.8) ? request.by : item.by, request: request.number }
      }
    }
  }

  /** Mostly the same body as the request, from the person who was asked. */
  #settling(item: CommandItem, request: CommandItem): CommandItem {
    const random = this.#random
    return {
      ...item,
      by: random.chance(0.85) ? (request.to ?? item.by) : item.by,
      to: random.chance(0.9) ? request.by : this.#recipient(item.by),
      amount: random.chance(0.9) ? request.amount : this.#amount(),
      request: request.number,
    }
  }

  #recipient(by: string): string {
    const random = this.#random
    const others = this.accounts.filter((name) => name !== by)
    return random.weighted([
      [30, random.pick(others)],
      [1, by],
      [1, 'nobody'],
      [0.5, treasury],
    ])
  }

  #amount(): number {
    const random = this.#random
    return random.weighted([
      [5, random.between(1, 5_000)],
      [5, random.between(5_000, openingGrant)],
      [1, openingGrant],
      [1, random.between(openingGrant, 4 * openingGrant)],
    ])
  }

  #notes(): { notes?: string } {
    return this.#random.chance(0.1) ? { notes: 'for the "tea" – thanks' } : {}
  }

  #spoiled(item: CommandItem): CommandItem {
    const random = this.#random
    if (random.chance(0.5)) {
      const broken = random.pick([
        'not-json',
        'repeated-member',
        'inexact-number',
        'other-partition',
        'other-identity',
        'no-idempotency-key',
        'unknown-model',
        'reserved-identity',
        'long-identity',
        'long-idempotency-key',
        'unknown-reply-topic',
      ] as const)
      return { ...item, broken }
    }
    if (!['PayCommand', 'RequestCommand'].includes(item.model) || random.chance(0.3)) {
      return { ...item, extra: true }
    }
    return { ...item, amount: random.pick([0, -5, 0.5, 1_000_000_001, '7', null, undefined]) }
  }

  #number(): number {
    return ++this.#numbers
  }
  #numbers = 0
}

/** Draws the same numbers in each case, so that a seed keeps its history. */
function visibilityOf(model: Model, number: number): Pick<CommandItem, 'visibility'> {
  if (model !== 'PayCommand' && model !== 'RequestCommand') return {}
  if (number % 3 === 0) return { visibility: 'private' }
  return number % 7 === 0 ? { visibility: 'public' } : {}
}

const criticalPoints: ReadonlyArray<readonly [weight: number, point: Point]> = [
  [6, 'send'],
  [6, 'sendOffsets'],
  [6, 'commit'],
  [1, 'abort'],
  [1.5, 'poll'],
  [1, 'close'],
  [1, 'offsets'],
  [1.5, 'committed'],
  [1, 'claim'],
  [0.5, 'liveInstances'],
  [1, 'endTransactionOf'],
  [1, 'openProducer'],
  [0.3, 'partitionCounts'],
  [0.3, 'topicIds'],
  [1, 'join'],
  [1, 'heartbeat'],
  [0.5, 'leave'],
  [0.3, 'deleteRecords'],
]

/** Topics whose markers may be late; those with the worst consequences come more often. */
const markedTopics = [
  'transactions',
  'balances',
  'balances',
  'streampay-payments-idempotency-keys-changelog',
  'streampay-payments-positions-changelog',
  'streampay-payments-requests-repartition',
  'streampay-payments-requests-changelog',
  '__consumer_offsets of streampay-payments',
  'replies',
  'payment-requests',
  'streampay-statistics-totals-repartition',
  'total-transactions',
] as const

/**
 * A process is paused or down while months pass: all others have deleted what it kept in memory or on its disk, and the log has removed
 * even the tombstones for it.
 */
function longSleep(random: Random, { slots }: Settings, writer: Writer): Item[] {
  const fault = (fault: Fault): FaultItem => ({ kind: 'fault', fault })
  const slot = random.below(slots)
  const place: Place = { slot, app: 'payments', point: 'poll', side: 'before' }
  const isAway = random.chance(0.5)
  /** All of them are answered before the next item. */
  const some = (): Item[] => [
    ...Array.from({ length: random.between(8, 20) }, () => writer.command()),
    { ...writer.command(), after: 'everybody' },
    { ...writer.command(), after: 'everybody' },
  ]
  return [
    fault(
      isAway ? { kind: 'stop', slot, leave: true, backAfterMs: undefined } : { kind: 'pause', place, forMs: 40_000 },
    ),
    ...some(),
    fault({ kind: 'time-passes', hours: 2_200, quiet: true }),
    ...some(),
    fault({ kind: 'compact' }),
    fault({ kind: 'time-passes', hours: 25, quiet: true }),
    fault({ kind: 'compact' }),
    ...(isAway ? [fault({ kind: 'start', slot })] : []),
    fault({ kind: 'lull', forMs: 45_000 }),
    ...some(),
  ]
}

/** One fault, or one that moves tasks together with a crash in the first transactions after it. */
function faultsFrom(random: Random, settings: Settings): FaultItem[] {
  const faults = [faultFrom(random, settings)]
  const [first] = faults
  const moves = first !== undefined && ['start', 'stop', 'expire', 'twin'].includes(first.kind)
  if (moves && random.chance(0.4)) {
    const place: Place = {
      slot: random.below(settings.slots),
      app: random.chance(0.75) ? 'payments' : 'statistics',
      point: random.pick(['send', 'sendOffsets', 'commit'] as const),
      side: random.pick(['before', 'after'] as const),
    }
    faults.push({
      kind: 'crash',
      place,
      arrives: random.chance(0.3),
      backAfterMs: random.pick([100, 12_000, undefined]),
    })
  }
  return faults.map((fault) => ({ kind: 'fault', fault }))
}

/**
 * After a day keys and tombstones are deleted, after 30 days open requests expire, after 90 closed ones are deleted; with less than a day,
 * nothing would be certain for clients.
 */
const hoursPassed = [25, 25, 721, 2_200]

function faultFrom(random: Random, { slots, partitionCount, sessionTimeoutMs }: Settings): Fault {
  const slot = random.below(slots)
  const app: App = random.chance(0.75) ? 'payments' : 'statistics'
  const backAfterMs = random.weighted([
    [6, random.between(1, 500)],
    [2, random.between(5_000, 12_000)],
    [1, undefined],
  ])
  const kind = random.weighted<Exclude<Fault['kind'], 'lull'>>([
    [6, 'crash'],
    [3, 'pause'],
    [3, 'delay'],
    [5, 'error'],
    [3, 'hold-markers'],
    [slots > 1 ? 2 : 0.5, 'start'],
    [slots > 1 ? 2 : 0.5, 'stop'],
    [2, 'state'],
    [0.7, 'twin'],
    [1, 'expire'],
    [0.7, 'compact'],
    [0.25, 'time-passes'],
  ])
  switch (kind) {
    case 'crash':
      return { kind, place: placeFrom(random, { slot, app }), arrives: random.chance(0.3), backAfterMs }
    case 'pause':
      return { kind, place: placeFrom(random, { slot, app }), forMs: random.pick([300, 4_000, 9_000, 25_000]) }
    case 'delay':
      return delayFrom(random, placeFrom(random, { slot, app }), { sessionTimeoutMs })
    case 'error':
      return errorFrom(random, { slot, app })
    case 'hold-markers': {
      const topic = random.pick(markedTopics)
      const partition = topic.startsWith('__') ? 0 : random.below(partitionCount)
      return { kind, topic, partition, forMs: random.pick([200, 2_000, 8_000]) }
    }
    case 'state': {
      const how = random.pick(['lost', 'torn', 'stale', 'stale', 'stale', 'swapped', 'foreign', 'full'] as const)
      return { kind, slot, how, other: random.below(slots), age: random.fraction(), backAfterMs }
    }
    case 'start':
    case 'twin':
      return { kind, slot }
    case 'stop':
      return { kind, slot, leave: random.chance(0.5), backAfterMs }
    case 'expire':
      return { kind, slot, app }
    case 'compact':
      return { kind }
    case 'time-passes':
      // Mostly apart from all other items, so that clients can tell repeated answers from new ones.
      return { kind, hours: random.pick(hoursPassed), quiet: random.chance(0.7) }
  }
}

function placeFrom(random: Random, { slot, app }: Pick<Place, 'slot' | 'app'>): Place {
  return { slot, app, point: random.weighted(criticalPoints), side: random.pick(['before', 'after']) }
}

/** A heartbeat ends after a third of the session without an answer, and the next one gets the same answer. */
function delayFrom(random: Random, place: Place, { sessionTimeoutMs }: Pick<Settings, 'sessionTimeoutMs'>): Fault {
  const forMs = random.pick([20, 400, 3_000, 12_000])
  return { kind: 'delay', place, forMs: place.point === 'heartbeat' ? Math.min(forMs, sessionTimeoutMs / 3) : forMs }
}

/** Only errors that the real client may return at that point. */
function errorFrom(random: Random, { slot, app }: Pick<Place, 'slot' | 'app'>): Fault {
  const kind = 'error'
  const side = random.pick(['before', 'after'] as const)
  // A closed client makes no more calls that could fail.
  const point = random.weighted(criticalPoints.filter(([, name]) => name !== 'close'))
  switch (point) {
    case 'send':
    case 'sendOffsets':
      return { kind, place: { slot, app, point, side }, error: 'abortable' }
    case 'commit':
      return random.chance(0.5)
        ? { kind, place: { slot, app, point, side: 'before' }, error: 'abortable' }
        : { kind, place: { slot, app, point, side }, error: 'unknown' }
    case 'abort':
      return { kind, place: { slot, app, point, side }, error: 'unknown' }
    default:
      return { kind, place: { slot, app, point, side }, error: 'timeout' }
  }
}
