/**
 * What a person set out to do, with the idempotency key that names it. The key is made once per intent and kept until the outcome is known,
 * over retries and reloads of the page, so that a repeated command takes effect once.
 *
 *     begun ──► sent ──► settled (a definite answer, or its effect was seen on the ledger: forgotten here)
 *                │ ▲
 *                │ └── sent again, with the same key
 *                ├───► unknown (network error, 504; or the tab closed meanwhile)
 *                └───► notTaken (429, 503 and no unknown outcome before)
 */
export type IntentState = 'begun' | 'sent' | 'unknown' | 'notTaken'

export type IntentKind =
  | 'pay'
  | 'request'
  | 'decline'
  | 'cancel'
  | 'remind'
  | 'block'
  | 'unblock'
  | 'favour'
  | 'unfavour'

export type Intent = {
  readonly key: string
  readonly kind: IntentKind
  /** The identity that set out to do it: another person at the same browser does not get it. */
  readonly identity: string
  readonly path: string
  readonly body: Readonly<Record<string, unknown>>
  /** The name of the person who is paid or asked, to show it after a reload. */
  readonly label: string
  readonly startedAt: number
  readonly state: IntentState
  /** Ids of entries or requests with the same content that existed before: none of them is the effect of this intent. */
  readonly before: readonly string[]
  /** Where the gateway said that the reply will be. */
  readonly replyUrl?: string
}

export type Wanted = Pick<Intent, 'kind' | 'identity' | 'path' | 'body' | 'label' | 'before'>

export type KeyStore = Pick<Storage, 'getItem' | 'setItem'>

export type IntentsOptions = {
  readonly storage: KeyStore
  readonly now: () => number
  readonly newKey: () => string
  /** The stored intents have changed. */
  readonly onChange?: () => void
}

const storageKey = 'streampay.intents'
const effectsKey = 'streampay.effects'
/** The ledger remembers keys for 24 hours; an hour less leaves room for clocks that differ. */
const keptForMs = 23 * 60 * 60 * 1000
const maxKept = 20
const maxEffects = 200

export type Intents = ReturnType<typeof createIntents>

/** Keeps intents of unknown outcome in the tab's session storage, at most 20 of them, for 23 hours. */
export function createIntents({ storage, now, newKey, onChange = () => {} }: IntentsOptions) {
  function kept(identity: string): readonly Intent[] {
    return readAll().filter((intent) => intent.identity === identity && now() - intent.startedAt < keptForMs)
  }

  /** The intents that were sent and whose outcome isn't known, oldest first. */
  function unsettled(identity: string): readonly Intent[] {
    return kept(identity).filter(({ state }) => state === 'sent' || state === 'unknown')
  }

  /**
   * The intent to send. Paying or asking a person a second time is a new intent, even if the outcome of the first one is unknown: to finish
   * the first one, the caller asks for that one. What can only be done once (answering a request, for example), and what was surely not
   * taken, keeps its key. The order of the body's fields doesn't matter.
   */
  function begin(wanted: Wanted): Intent {
    const same = kept(wanted.identity).find((intent) => fingerprintOf(intent) === fingerprintOf(wanted))
    if (same !== undefined && (isOnce(same) || same.state === 'notTaken')) return same
    return { ...wanted, key: newKey(), startedAt: now(), state: 'begun' }
  }

  /** Unsettled intents that move or ask for the same amount between the same people, with any notes. */
  function similar(wanted: Pick<Wanted, 'kind' | 'identity' | 'body'>): readonly Intent[] {
    const { userId, amount, requestId } = wanted.body
    if (requestId !== undefined) return []
    return unsettled(wanted.identity).filter(
      ({ kind, body }) =>
        kind === wanted.kind && body.requestId === undefined && body.userId === userId && body.amount === amount,
    )
  }

  /** The intent as it was last stored: its state, and where its reply will be. */
  function latest(intent: Intent): Intent {
    return readAll().find(({ key }) => key === intent.key) ?? intent
  }

  /** Stores an intent before it is sent, so that a crash of the tab can't forget the key. */
  function keep(intent: Intent): void {
    const others = readAll().filter((other) => other.key !== intent.key && now() - other.startedAt < keptForMs)
    writeAll([...others, intent].slice(-maxKept))
  }

  /** The outcome is known, so the key is no longer needed. `effect` is the id of the transfer or request that it made. */
  function settle(intent: Intent, effect?: string): void {
    if (effect !== undefined) {
      storage.setItem(effectsKey, JSON.stringify([...effects(), effect].slice(-maxEffects)))
    }
    writeAll(readAll().filter((other) => other.key !== intent.key))
  }

  /** Ids of transfers and requests that intents of this tab are known to have made: no other intent made them. */
  function effects(): readonly string[] {
    return parsedList(storage.getItem(effectsKey)).filter((id) => typeof id === 'string')
  }

  function readAll(): readonly Intent[] {
    return parsedList(storage.getItem(storageKey)).filter(isIntent)
  }

  function writeAll(intents: readonly Intent[]): void {
    storage.setItem(storageKey, JSON.stringify(intents))
    onChange()
  }

  return { kept, unsettled, similar, begin, latest, keep, settle, effects }
}

/** Whether doing it a second time has the same meaning as doing it once. */
function isOnce({ kind, body }: Pick<Intent, 'kind' | 'body'>): boolean {
  return (kind !== 'pay' && kind !== 'request') || body.requestId !== undefined
}

function fingerprintOf({ kind, path, body }: Pick<Intent, 'kind' | 'path' | 'body'>): string {
  const fields = Object.entries(body)
    .filter(([, value]) => value !== undefined)
    .sort(([left], [right]) => (left < right ? -1 : 1))
  return JSON.stringify([kind, path, fields])
}

function parsedList(text: string | null): readonly unknown[] {
  if (text === null) return []
  try {
    const parsed: unknown = JSON.parse(text)
    return Array.isArray(parsed) ? parsed : []
  } catch {
    // Only this module writes here; what can't be read was damaged by hand, and has no key that could be used.
    return []
  }
}

function isIntent(value: unknown): value is Intent {
  if (typeof value !== 'object' || value === null) return false
  const { key, kind, identity, path, body, startedAt, state, before } = value as Partial<Intent>
  const isText = [key, kind, identity, path, state].every((field) => typeof field === 'string')
  return isText && typeof body === 'object' && typeof startedAt === 'number' && Array.isArray(before)
}
