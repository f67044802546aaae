import type { Fault, ServiceDoing, ServiceTile } from '@streampay/domain'
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

/** What a service does now: “serves 2 live streams”. */
export function wordsOfDoing(doing: ServiceDoing): string {
  switch (doing.what) {
    case 'opens-log':
      return t('breaking.opensLog')
    case 'waits-for-log':
      return t('breaking.waitsForLog')
    case 'restores-state':
      return t('breaking.restores')
    case 'builds-views':
      return t('breaking.buildsViews')
    case 'stands-by':
      return t('breaking.standsBy')
    case 'serves-connections':
      return t('breaking.servesConnections', { count: doing.count })
    case 'serves-streams':
      return t('breaking.servesStreams', { count: doing.count })
    case 'processes-partitions':
      return t('breaking.processesPartitions', { partitions: doing.partitions.join(', ') })
    case 'changes-state':
      return t(states[doing.state])
    case 'simulates':
      return t('breaking.virtualPeople', { count: doing.people, speed: doing.speed })
  }
}

const states = {
  starting: 'breaking.starts',
  joining: 'breaking.joins',
  restoring: 'breaking.restores',
  closing: 'breaking.stops',
  closed: 'breaking.hasStopped',
  failed: 'breaking.failed',
} as const

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
