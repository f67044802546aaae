import type { Fault, ServiceTile } from '@streampay/domain'
import { withDecimals } from '../app/numbers.ts'
import { t } from '../i18n/console.ts'

const names = {
  log: 'breaking.log',
  issuer: 'breaking.issuer',
  payments: 'breaking.payments',
  gateway: 'breaking.gateway',
  simulation: 'breaking.simulation',
} as const

/** “Payments”, “Payments 1”: a service among others of its kind. */
export function nameOfService({ name, kind }: Pick<ServiceTile, 'name' | 'kind'>): string {
  const [, number] = /-(\d+)$/.exec(name) ?? []
  const ofKind = t(names[kind])
  return number === undefined ? ofKind : t('breaking.nameAndNumber', { name: ofKind, number })
}

function kindOf(service: string): ServiceTile['kind'] {
  if (service === 'broker') return 'log'
  if (service === 'simulation') return 'simulation'
  return service.startsWith('payments') ? 'payments' : 'gateway'
}

export function wordsOfFault({ what, service }: Pick<Fault, 'what' | 'service'>): string {
  const name = nameOfService({ name: service, kind: kindOf(service) })
  switch (what) {
    case 'kill':
      return t('breaking.wasKilled', { name })
    case 'pause':
      return t('breaking.stoodStill', { name })
    case 'restart':
      return t('breaking.wasRestarted', { name })
    case 'cut':
      return t('breaking.logWasCut')
    case 'slow':
      return t('breaking.logWasSlow')
  }
}

/** A service describes itself in English: descriptions that are known are translated, the others shown unchanged. */
export function doingWords(doing: string): string {
  for (const [pattern, say] of doings) {
    const match = pattern.exec(doing)
    if (match !== null) return say(match)
  }
  return doing
}

const doings: readonly (readonly [RegExp, (match: RegExpExecArray) => string])[] = [
  [/^serves (\d+) connections?$/, ([, count]) => t('breaking.servesConnections', { count: Number(count) })],
  [/^serves (\d+) live streams?$/, ([, count]) => t('breaking.servesStreams', { count: Number(count) })],
  [/^builds its views from the log$/, () => t('breaking.buildsViews')],
  [/^starts: waits for the log$/, () => t('breaking.waitsForLog')],
  [/^starts: restores its state from the log$/, () => t('breaking.restores')],
  [/^stands by$/, () => t('breaking.standsBy')],
  [/^processes partitions ([\d, ]+)$/, ([, partitions = '']) => t('breaking.processesPartitions', { partitions })],
  [
    /^(\d+) virtual people at speed ([\d.]+)$/,
    ([, count, speed]) => t('breaking.virtualPeople', { count: Number(count), speed: Number(speed) }),
  ],
]

/** “0.31 s”, “12 s”. */
export function secondsOf(ms: number | undefined): string {
  if (ms === undefined) return '…'
  return t('times.seconds', { seconds: ms < 10_000 ? withDecimals(ms / 1_000, 2) : Math.round(ms / 1_000) })
}

export function megabytesOf(bytes: number): string {
  return t('breaking.megabytes', { megabytes: Math.round(bytes / 1e6) })
}

/** “41 s”, “12 min”, “3 h”. */
export function uptimeOf(ms: number): string {
  if (ms < 120_000) return t('times.seconds', { seconds: Math.floor(ms / 1_000) })
  if (ms < 7_200_000) return t('times.minutes', { minutes: Math.floor(ms / 60_000) })
  return t('times.hours', { hours: Math.floor(ms / 3_600_000) })
}

/** What each invariant says, in a few words (ARCHITECTURE.md). */
export const invariants = [
  { id: 'INV-1', words: 'breaking.conserved' },
  { id: 'INV-2', words: 'breaking.notNegative' },
  { id: 'INV-3', words: 'breaking.paidOnce' },
  { id: 'INV-4', words: 'breaking.balancesOfLedger' },
  { id: 'INV-5', words: 'breaking.requestPaidOnce' },
  { id: 'INV-7', words: 'breaking.totalsOfPublic' },
] as const
