/** A client of StreamPay's HTTP API for tests: tokens, commands with idempotency keys, and retries as the UI does them. */
import { Agent, request } from 'node:https'
import { setTimeout as delay } from 'node:timers/promises'
import { type Intent, type Told, toldText, type Unclear } from './intent.ts'

export type HttpAnswer = {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** Parsed JSON, or undefined for an empty body. */
  readonly body: unknown
}

export type HttpCall = {
  readonly method: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** The index of the gateway; by default any. */
  readonly gateway?: number | undefined
}

export type BankClientOptions = {
  /** The address of each gateway. */
  readonly origins: readonly string[]
  readonly ca: Buffer
  /** Chooses among the gateways, from 0 (inclusive) to 1 (exclusive). */
  readonly random?: () => number
  /** Without an answer after this time, the outcome is unknown. */
  readonly callTimeoutMs?: number
  /** Called for every answer to a command, with the time that it took; `status` is undefined if none came. */
  readonly onAnswer?: (answer: AnswerTime) => void
}

export type AnswerTime = { readonly path: string; readonly status: number | undefined; readonly ms: number }

export type SettleOptions = {
  readonly timeoutMs: number
  readonly gateway?: number | undefined
  readonly headers?: Readonly<Record<string, string>>
  /** Aborts, as if the time were over. */
  readonly signal?: AbortSignal
}

/** No definite answer came in time. */
export class UnsettledError extends Error {}

/** A kept connection broke before any response: the server may not have read the request. */
class IdleConnectionClosedError extends Error {}

const defaultCallTimeoutMs = 20_000
const mostTokenTries = 30

export class BankClient {
  readonly #options: BankClientOptions
  readonly #agent: Agent
  readonly #tokens = new Map<string, Promise<string>>()

  constructor(options: BankClientOptions) {
    this.#options = options
    this.#agent = new Agent({ ca: options.ca, keepAlive: true, maxSockets: 256 })
  }

  get gateways(): number {
    return this.#options.origins.length
  }

  close(): void {
    this.#agent.destroy()
  }

  /**
   * Rejects if no complete response came: then the outcome of a command is unknown. A server may close an idle connection just when a
   * request is sent on it: requests that may be repeated are sent once more then, on a new connection (RFC 9112, 9.3.1 and 9.5). Commands
   * are repeated by the callers, who know their keys.
   */
  async call(call: HttpCall): Promise<HttpAnswer> {
    const url = new URL(call.path, this.#origin(call.gateway))
    try {
      return await this.#exchange(url, call, this.#agent)
    } catch (error) {
      if (call.method !== 'GET' || !(error instanceof IdleConnectionClosedError)) throw error
      return await this.#exchange(url, call, false)
    }
  }

  #exchange(url: URL, call: HttpCall, agent: Agent | false): Promise<HttpAnswer> {
    const { ca, callTimeoutMs: timeoutMs = defaultCallTimeoutMs } = this.#options
    return new Promise((resolve, reject) => {
      let hasResponse = false
      const outgoing = request(url, { method: call.method, headers: call.headers ?? {}, agent, ca }, (response) => {
        hasResponse = true
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8')
          const isJson = /json/.test(response.headers['content-type'] ?? '')
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: isJson ? JSON.parse(text) : text,
          })
        })
      })
      // For the whole exchange: a socket's own timeout would not count the time of connecting.
      const timer = setTimeout(() => outgoing.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs)
      outgoing.on('error', (error) => {
        const wasIdle = outgoing.reusedSocket && !hasResponse && 'code' in error && error.code === 'ECONNRESET'
        reject(wasIdle ? new IdleConnectionClosedError(error.message, { cause: error }) : error)
      })
      outgoing.on('close', () => clearTimeout(timer))
      outgoing.end(call.body)
    })
  }

  /** An access token of the development issuer, kept for further calls. */
  token(identity: string): Promise<string> {
    const known = this.#tokens.get(identity)
    if (known !== undefined) return known
    const asked = this.#askForToken(identity)
    this.#tokens.set(identity, asked)
    asked.catch(() => this.#tokens.delete(identity))
    return asked
  }

  async get(identity: string, path: string, gateway?: number): Promise<HttpAnswer> {
    const token = await this.token(identity)
    const headers = { authorization: `Bearer ${token}`, accept: 'application/json' }
    return this.call({ method: 'GET', path, headers, gateway })
  }

  /** All of a list, page by page; the answer is the last one's. */
  async getAll(identity: string, path: string, gateway?: number): Promise<HttpAnswer> {
    const pages: unknown[][] = []
    for (let next: string | undefined = path; ; ) {
      const answer: HttpAnswer = await this.get(identity, next, gateway)
      if (answer.status !== 200 || !Array.isArray(answer.body)) return answer
      // Within a page the newest is last, and each page is older than the one before.
      pages.unshift(answer.body)
      next = /^<(.*)>; rel="next"$/.exec(String(answer.headers.link))?.[1]
      if (next === undefined) return { ...answer, body: pages.flat() }
    }
  }

  /** Sends once. Undefined means that the outcome is not known yet: try again with the same key. */
  async send(intent: Intent, { gateway, headers }: Omit<SettleOptions, 'timeoutMs'> = {}): Promise<Told | undefined> {
    const { path } = intent
    let sentAt: number | undefined
    const note = (status: number | undefined, since: number) =>
      this.#options.onAnswer?.({ path, status, ms: performance.now() - since })
    try {
      const token = await this.token(intent.identity)
      sentAt = performance.now()
      intent.tries += 1
      const answer = await this.call({
        method: intent.method,
        path,
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          'idempotency-key': intent.key,
          ...headers,
        },
        body: JSON.stringify(intent.body),
        gateway,
      })
      note(answer.status, sentAt)
      if (answer.status < 500 && answer.status !== 429) return toldBy(answer)
      noteUnclear(intent, { status: answer.status, reason: JSON.stringify(answer.body) })
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      if (sentAt !== undefined) {
        note(undefined, sentAt)
        noteUnclear(intent, { status: undefined, reason })
      } else intent.lastUnclear = { status: undefined, reason }
    }
    return undefined
  }

  /** Sends until the outcome is definite, with the same key, pausing between tries. @throws UnsettledError */
  async settle(intent: Intent, { timeoutMs, signal, ...how }: SettleOptions): Promise<Told> {
    const deadline = Date.now() + timeoutMs
    for (let pauseMs = 50; ; pauseMs = Math.min(pauseMs * 2, 1_000)) {
      const answer = await this.send(intent, how)
      if (answer !== undefined) {
        intent.answer = answer
        return answer
      }
      if (Date.now() > deadline || signal?.aborted === true) throw unsettled(intent, timeoutMs)
      await delay(pauseMs)
    }
  }

  #origin(gateway: number | undefined): string {
    const { origins, random = Math.random } = this.#options
    const origin = origins[gateway ?? Math.floor(random() * origins.length)]
    if (origin === undefined) throw new Error(`there is no gateway ${gateway} among ${origins.length}`)
    return origin
  }

  async #askForToken(identity: string): Promise<string> {
    const form = new URLSearchParams({
      grant_type: 'urn:streampay:dev-token',
      client_id: 'streampay-ui',
      username: identity,
    })
    const ask = () =>
      this.call({
        method: 'POST',
        path: '/identity/token',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: form.toString(),
      })
    let answer = await ask()
    // Thousands of people of one test have the same address.
    for (let tries = 1; answer.status === 429 && tries < mostTokenTries; tries++) {
      await delay(Number(answer.headers['retry-after'] ?? 1) * 1_000)
      answer = await ask()
    }
    const token = (answer.body as { access_token?: string }).access_token
    if (answer.status === 200 && token !== undefined) return token
    throw new Error(`no token for ${identity}: ${answer.status} ${JSON.stringify(answer.body)}`)
  }
}

/** 429 and 503 say that nothing was written; after any other answer it may have been. */
function noteUnclear(intent: Intent, unclear: Unclear): void {
  intent.lastUnclear = unclear
  if (unclear.status !== 429 && unclear.status !== 503) intent.mayBeDone = true
}

function toldBy({ status, body, headers }: HttpAnswer): Told {
  return { status, body, replayed: headers['idempotency-replayed'] === 'true' }
}

function unsettled({ method, path, identity, key, lastUnclear, answer }: Intent, timeoutMs: number): UnsettledError {
  const last = lastUnclear === undefined ? toldText(answer) : `${lastUnclear.status ?? ''} ${lastUnclear.reason}`
  return new UnsettledError(
    `${method} ${path} of ${identity} with key ${key} has no outcome after ${timeoutMs} ms: ${last.trim()}`,
  )
}
