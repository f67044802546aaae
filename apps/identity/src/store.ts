import { DatabaseSync } from 'node:sqlite'
import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider'
import type { Person } from './people.ts'

/** The clock, in milliseconds since the epoch. */
export type Clock = () => number

export type IdentityStore = {
  /** The provider's sessions, grants, codes and refresh tokens. */
  readonly adapter: AdapterFactory
  rememberPerson(person: Person): void
  findPerson(id: string): Person | undefined
  /** The people who signed in last, newest first. */
  recentPeople(limit: number): Person[]
  close(): void
}

/**
 * How long a used refresh token is still accepted: its answer may have been lost, and a duplicated tab has the same one and renews at about
 * the same time, in the background at most once a minute. After this time, a second use is treated as theft, and ends the grant (RFC 9700,
 * section 4.14.2).
 */
const reuseGraceSeconds = 120

// One developer makes a few dozen entries a day; the bounds are for a script that signs in all night.
const maxEntries = 20_000
const maxPeople = 5_000
const sweepEveryWrites = 200

const schema = `
  CREATE TABLE IF NOT EXISTS entry (
    model TEXT NOT NULL, id TEXT NOT NULL, payload TEXT NOT NULL, expires_at INTEGER NOT NULL,
    uid TEXT, user_code TEXT, grant_id TEXT,
    PRIMARY KEY (model, id)
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS entry_by_expiry ON entry (expires_at);
  CREATE INDEX IF NOT EXISTS entry_by_uid ON entry (model, uid) WHERE uid IS NOT NULL;
  CREATE INDEX IF NOT EXISTS entry_by_user_code ON entry (model, user_code) WHERE user_code IS NOT NULL;
  CREATE INDEX IF NOT EXISTS entry_by_grant ON entry (model, grant_id) WHERE grant_id IS NOT NULL;
  CREATE TABLE IF NOT EXISTS person (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, last_used_at INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS person_by_use ON person (last_used_at);
`

/**
 * Opens the issuer's database, so that sessions and refresh tokens stay valid over restarts. SQLite comes with Node, survives a crash at
 * any point, and its exclusive lock keeps a second issuer out of the same folder.
 * @param path the database file; it is created if missing
 * @throws Error with code ERR_SQLITE_ERROR when the file is locked by another process or isn't a database
 */
export function openStore(path: string, now: Clock): IdentityStore {
  const database = new DatabaseSync(path, { timeout: 500 })
  // The lock is taken by the first write and kept; WAL with NORMAL never corrupts, and may lose only the last moments.
  database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;')
  database.exec(schema)
  const sweep = sweeper(database, now)
  sweep()
  return {
    adapter: (model) => openAdapter({ database, model, now, sweep }),
    ...peopleOf(database, now),
    close: () => database.close(),
  }
}

function peopleOf(database: DatabaseSync, now: Clock) {
  const remember = database.prepare(
    'INSERT INTO person VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET name = excluded.name, last_used_at = excluded.last_used_at',
  )
  const find = database.prepare('SELECT id, name FROM person WHERE id = ?')
  const recent = database.prepare('SELECT id, name FROM person ORDER BY last_used_at DESC, id LIMIT ?')
  return {
    rememberPerson: (person: Person) => {
      remember.run(person.id, person.name, now())
    },
    findPerson: (id: string) => {
      const row = find.get(id)
      return row === undefined ? undefined : personOf(row)
    },
    recentPeople: (limit: number) => recent.all(limit).map(personOf),
  }
}

function personOf(row: Record<string, unknown>): Person {
  return { id: String(row.id), name: String(row.name) }
}

/** Removes what has expired, and the oldest beyond the bounds. */
function sweeper(database: DatabaseSync, now: Clock): () => void {
  const removeExpired = database.prepare('DELETE FROM entry WHERE expires_at <= ?')
  const removeSurplus = database.prepare(
    'DELETE FROM entry WHERE (model, id) IN (SELECT model, id FROM entry ORDER BY expires_at DESC LIMIT -1 OFFSET ?)',
  )
  const removePeople = database.prepare(
    'DELETE FROM person WHERE id IN (SELECT id FROM person ORDER BY last_used_at DESC LIMIT -1 OFFSET ?)',
  )
  return () => {
    removeExpired.run(now())
    removeSurplus.run(maxEntries)
    removePeople.run(maxPeople)
  }
}

type AdapterOptions = { database: DatabaseSync; model: string; now: Clock; sweep: () => void }

/** The provider's storage interface (oidc-provider, "Adapter") for one of its models; times there are in seconds. */
function openAdapter({ database, model, now, sweep }: AdapterOptions): Adapter {
  const put = database.prepare('INSERT OR REPLACE INTO entry VALUES (?, ?, ?, ?, ?, ?, ?)')
  const byId = database.prepare('SELECT payload FROM entry WHERE model = ? AND id = ? AND expires_at > ?')
  const byUid = database.prepare('SELECT payload FROM entry WHERE model = ? AND uid = ? AND expires_at > ?')
  const byUserCode = database.prepare('SELECT payload FROM entry WHERE model = ? AND user_code = ? AND expires_at > ?')
  const consume = database.prepare(
    // The time counts from the first use: a second use does not extend it.
    "UPDATE entry SET payload = json_insert(payload, '$.consumed', ?) WHERE model = ? AND id = ?",
  )
  const remove = database.prepare('DELETE FROM entry WHERE model = ? AND id = ?')
  const removeByGrant = database.prepare('DELETE FROM entry WHERE model = ? AND grant_id = ?')
  let writes = 0

  return {
    async upsert(id, payload, expiresIn) {
      const expiresAt = expiresIn === undefined ? Number.MAX_SAFE_INTEGER : now() + expiresIn * 1000
      const { uid = null, userCode = null, grantId = null } = payload
      put.run(model, id, JSON.stringify(payload), expiresAt, uid, userCode, grantId)
      writes += 1
      if (writes % sweepEveryWrites === 0) sweep()
    },
    async find(id) {
      const payload = payloadOf(byId.get(model, id, now()))
      return model === 'RefreshToken' ? withGrace(payload, now()) : payload
    },
    async findByUid(uid) {
      return payloadOf(byUid.get(model, uid, now()))
    },
    async findByUserCode(userCode) {
      return payloadOf(byUserCode.get(model, userCode, now()))
    },
    async consume(id) {
      consume.run(Math.floor(now() / 1000), model, id)
    },
    async destroy(id) {
      remove.run(model, id)
    },
    async revokeByGrantId(grantId) {
      removeByGrant.run(model, grantId)
    },
  }
}

/** A token that was used only a moment ago is returned as unused. */
function withGrace(payload: AdapterPayload | undefined, now: number): AdapterPayload | undefined {
  if (typeof payload?.consumed !== 'number' || now >= (payload.consumed + reuseGraceSeconds) * 1000) return payload
  const { consumed: _, ...unused } = payload
  return unused
}

function payloadOf(row: Record<string, unknown> | undefined): AdapterPayload | undefined {
  return row === undefined ? undefined : (JSON.parse(String(row.payload)) as AdapterPayload)
}
