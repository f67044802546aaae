/**
 * What somebody set out to do, with the idempotency key that names it. The key is made once per intent and kept until
 * the outcome is known, over retries and reloads of the page, so that whatever is repeated takes effect once.
 *
 *     begun ──► sent ──► settled (a definite answer: forgotten here)
 *                │ ▲
 *                │ └── sent again, with the same key
 *                ├───► unknown (network error, 504; or the tab closed meanwhile)
 *                └───► notTaken (429, 503 and no unknown outcome before)
 */
export type IntentState = 'begun' | 'sent' | 'unknown' | 'notTaken'

export type IntentKind = 'pay' | 'request' | 'decline' | 'cancel'

export type Intent = {
  readonly key: string
  readonly kind: IntentKind
  /** The identity that set out to do it: another person at the same browser never inherits it. */
  readonly identity: string
  readonly path: string
  readonly body: Readonly<Record<string, unknown>>
  /** Who is paid or asked, in words, for showing it after a reload. */
  readonly label: string
  readonly startedAt: number
  readonly state: IntentState
  /** Where the gateway said that the reply will be. */
  readonly replyUrl?: string
}

export type KeyStore = Pick<Storage, 'getItem' | 'setItem'>

export type IntentsOptions = {
  readonly storage: KeyStore
  readonly now: () => number
  readonly newKey: () => string
}

const storageKey = 'streampay.intents'
/** The ledger remembers keys for 24 hours; an hour less leaves room for clocks that differ. */
const keptForMs = 23 * 60 * 60 * 1000
const maxKept = 20

export type Intents = ReturnType<typeof createIntents>

/** Keeps intents of unknown outcome in the tab's session storage, at most 20 of them, for 23 hours. */
export function createIntents({ storage, now, newKey }: IntentsOptions) {
  function kept(identity: string): readonly Intent[] {
    return read(storage).filter((intent) => intent.identity === identity && now() - intent.startedAt < keptForMs)
  }

  /**
   * The intent to send: the kept one if the same thing was begun before and its outcome is unknown, else a new one.
   * The order of the body's fields doesn't matter.
   */
  function begin(wanted: Pick<Intent, 'kind' | 'identity' | 'path' | 'body' | 'label'>): Intent {
    const same = kept(wanted.identity).find((intent) => fingerprintOf(intent) === fingerprintOf(wanted))
    return same ?? { ...wanted, key: newKey(), startedAt: now(), state: 'begun' }
  }

  /** The intent as it was last stored: its state, and where its reply will be. */
  function latest(intent: Intent): Intent {
    return read(storage).find(({ key }) => key === intent.key) ?? intent
  }

  /** Stores an intent before it is sent, so that a crash of the tab can't forget the key. */
  function keep(intent: Intent): void {
    const others = read(storage).filter((other) => other.key !== intent.key && now() - other.startedAt < keptForMs)
    write(storage, [...others, intent].slice(-maxKept))
  }

  /** The outcome is known: the key has done its work. */
  function settle(intent: Intent): void {
    write(
      storage,
      read(storage).filter((other) => other.key !== intent.key),
    )
  }

  return { kept, begin, latest, keep, settle }
}

function fingerprintOf({ kind, path, body }: Pick<Intent, 'kind' | 'path' | 'body'>): string {
  const fields = Object.entries(body)
    .filter(([, value]) => value !== undefined)
    .sort(([left], [right]) => (left < right ? -1 : 1))
  return JSON.stringify([kind, path, fields])
}

function read(storage: KeyStore): readonly Intent[] {
  const text = storage.getItem(storageKey)
  if (text === null) return []
  try {
    const parsed: unknown = JSON.parse(text)
    return Array.isArray(parsed) ? parsed.filter(isIntent) : []
  } catch {
    // Only this module writes here; what can't be read was damaged by hand, and holds no key that could be used.
    return []
  }
}

function write(storage: KeyStore, intents: readonly Intent[]): void {
  storage.setItem(storageKey, JSON.stringify(intents))
}

function isIntent(value: unknown): value is Intent {
  if (typeof value !== 'object' || value === null) return false
  const { key, kind, identity, path, body, startedAt, state } = value as Partial<Intent>
  const isText = [key, kind, identity, path, state].every((field) => typeof field === 'string')
  return isText && typeof body === 'object' && typeof startedAt === 'number'
}
