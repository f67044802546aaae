/**
 * Fetch sessions (KIP-227): a client that asks repeatedly for the same partitions names them once, and then only changes;
 * the answers have only what is new. A session belongs to the connection on which it was opened, and ends with it.
 *
 *     id 0, epoch 0 ──► all partitions; a session, if there is room (else id 0 in the answer: the client continues without)
 *     id n, epoch e ──► changes and forgotten partitions; e counts each request, from 1
 *     id n, epoch 0 ──► all partitions, a new session instead of the old one
 *     id n, epoch -1 ──► all partitions, and the end of the session
 *     id 0, epoch -1 ──► all partitions, no session
 *
 * Differences from Kafka: a session can't be used on another connection, so it needs no timeout.
 * https://cwiki.apache.org/confluence/display/KAFKA/KIP-227
 */
import { type apis, errors, type RequestOf } from '@streampay/kafka/wire'
import { ApiError } from '../log/api-error.ts'

/** The parts of a connection that are needed. */
type Owner = { readonly closed: AbortSignal }
type Request = RequestOf<typeof apis.fetch>
type Topic = Request['topics'][number]
export type WantedPartition = Topic['partitions'][number]

/** A partition of a session, by the topic's name or its id, as in the client's request. */
export type SessionPartition = {
  readonly topic: string
  readonly topicId: string
  wanted: WantedPartition
  /** The last answer: only changes to it are sent. */
  told: { readonly highWatermark: number; readonly logStartOffset: number }
}

/** The partitions of one session; a client that wants more continues without a session. */
const mostPartitions = 10_000
/** The partitions of all sessions together: they stay in memory as long as their connections. */
const mostPartitionsOfAll = 200_000
const lastEpoch = 0x7fffffff
export const nothingTold = { highWatermark: -1, logStartOffset: -1 }

export class FetchSession {
  readonly id: number
  /** In the order in which they are read; one that had data moves to the end, so that the others come before it. */
  readonly #partitions = new Map<string, SessionPartition>()
  #nextEpoch = 1

  constructor(id: number) {
    this.id = id
  }

  get size(): number {
    return this.#partitions.size
  }

  partitions(): SessionPartition[] {
    return [...this.#partitions.values()]
  }

  /** @throws ApiError INVALID_FETCH_SESSION_EPOCH if the request before this one is missing, or came twice */
  begin(epoch: number): void {
    if (epoch !== this.#nextEpoch) {
      throw new ApiError(
        errors.INVALID_FETCH_SESSION_EPOCH,
        `the epoch is ${epoch}, but ${this.#nextEpoch} was expected`,
      )
    }
    this.#nextEpoch = epoch === lastEpoch ? 1 : epoch + 1
  }

  change({ topics, forgottenTopicsData }: Pick<Request, 'topics' | 'forgottenTopicsData'>): void {
    for (const { topic, topicId, partitions } of forgottenTopicsData) {
      for (const partition of partitions) this.#partitions.delete(keyOf({ topic, topicId }, partition))
    }
    for (const { topic, topicId, partitions } of topics) {
      for (const wanted of partitions) {
        const key = keyOf({ topic, topicId }, wanted.partition)
        const known = this.#partitions.get(key)
        if (known === undefined) this.#partitions.set(key, { topic, topicId, wanted, told: nothingTold })
        else known.wanted = wanted
      }
    }
  }

  moveToEnd({ topic, topicId, wanted }: SessionPartition): void {
    const key = keyOf({ topic, topicId }, wanted.partition)
    const moved = this.#partitions.get(key)
    if (moved === undefined) return
    this.#partitions.delete(key)
    this.#partitions.set(key, moved)
  }
}

/** The sessions of all connections. */
export class FetchSessions {
  readonly #byConnection = new Map<Owner, FetchSession>()
  readonly #watched = new WeakSet<Owner>()
  #partitions = 0
  #lastId = 0

  /** The session with which the request continues, its changes applied; undefined for a request that names all its partitions. */
  next(request: Request, connection: Owner): FetchSession | undefined {
    const { sessionId, sessionEpoch } = request
    const session = this.#byConnection.get(connection)
    if (sessionId !== 0 && session?.id !== sessionId) {
      throw new ApiError(errors.FETCH_SESSION_ID_NOT_FOUND, `There is no session ${sessionId} on this connection`)
    }
    if (sessionEpoch <= 0) {
      if (sessionId !== 0) this.#end(connection)
      return undefined
    }
    if (session === undefined || sessionId === 0) {
      throw new ApiError(errors.FETCH_SESSION_ID_NOT_FOUND, 'An epoch without a session')
    }
    session.begin(sessionEpoch)
    this.#change(session, request)
    if (session.size > mostPartitions || this.#partitions > mostPartitionsOfAll) {
      this.#end(connection)
      throw new ApiError(errors.FETCH_SESSION_ID_NOT_FOUND, 'The session has become too large')
    }
    return session
  }

  /** Opens a session with all partitions of the request, if it asks for one and there is room. */
  open(request: Request, connection: Owner): FetchSession | undefined {
    if (request.sessionEpoch !== 0 || connection.closed.aborted) return undefined
    const asked = request.topics.reduce((sum, { partitions }) => sum + partitions.length, 0)
    this.#end(connection)
    if (asked === 0 || asked > mostPartitions || this.#partitions + asked > mostPartitionsOfAll) return undefined
    this.#lastId = this.#lastId === lastEpoch ? 1 : this.#lastId + 1
    const session = new FetchSession(this.#lastId)
    this.#byConnection.set(connection, session)
    this.#change(session, { topics: request.topics, forgottenTopicsData: [] })
    this.#endWith(connection)
    return session
  }

  #endWith(connection: Owner): void {
    if (this.#watched.has(connection)) return
    this.#watched.add(connection)
    connection.closed.addEventListener('abort', () => this.#end(connection), { once: true })
  }

  #change(session: FetchSession, changes: Pick<Request, 'topics' | 'forgottenTopicsData'>): void {
    const before = session.size
    session.change(changes)
    this.#partitions += session.size - before
  }

  #end(connection: Owner): void {
    this.#partitions -= this.#byConnection.get(connection)?.size ?? 0
    this.#byConnection.delete(connection)
  }
}

function keyOf({ topic, topicId }: { readonly topic: string; readonly topicId: string }, partition: number): string {
  return `${topic} ${topicId} ${partition}`
}
