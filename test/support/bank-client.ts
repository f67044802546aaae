/** A client of StreamPay's HTTP API for tests: tokens, commands with idempotency keys, and retries as the UI does them. */
import { Agent, request } from 'node:https'

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
}

/** One intent and all that its sender was told. `answer` is the definite one. */
export type Intent = {
  readonly identity: string
  readonly method: string
  readonly path: string
  readonly body: Readonly<Record<string, unknown>>
  readonly key: string
  readonly unclear: string[]
  answer: HttpAnswer | undefined
}

export class BankClient {
  readonly #origin: string
  readonly #agent: Agent
  readonly #tokens = new Map<string, string>()

  constructor(options: { readonly origin: string; readonly ca: Buffer }) {
    this.#origin = options.origin
    this.#agent = new Agent({ ca: options.ca, keepAlive: true, maxSockets: 128 })
  }

  close(): void {
    this.#agent.destroy()
  }

  /** Rejects if no whole response came: then the outcome of a command is unknown. */
  call(call: HttpCall): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      const outgoing = request(
        new URL(call.path, this.#origin),
        { method: call.method, headers: call.headers ?? {}, agent: this.#agent, timeout: 20_000 },
        (response) => {
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
        },
      )
      outgoing.on('timeout', () => outgoing.destroy(new Error('no answer within 20 s')))
      outgoing.on('error', reject)
      outgoing.end(call.body)
    })
  }

  /** An access token of the development issuer, kept for further calls. */
  async token(identity: string): Promise<string> {
    const known = this.#tokens.get(identity)
    if (known !== undefined) return known
    const form = new URLSearchParams({
      grant_type: 'urn:streampay:dev-token',
      client_id: 'streampay-ui',
      username: identity,
    })
    const answer = await this.call({
      method: 'POST',
      path: '/identity/token',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: form.toString(),
    })
    const token = (answer.body as { access_token?: string }).access_token
    if (answer.status !== 200 || token === undefined)
      throw new Error(`no token for ${identity}: ${JSON.stringify(answer.body)}`)
    this.#tokens.set(identity, token)
    return token
  }

  async get(identity: string, path: string): Promise<HttpAnswer> {
    const token = await this.token(identity)
    return this.call({ method: 'GET', path, headers: { authorization: `Bearer ${token}`, accept: 'application/json' } })
  }

  /** Sends once. Undefined means that the outcome is not known yet: try again with the same key. */
  async send(intent: Intent): Promise<HttpAnswer | undefined> {
    try {
      const token = await this.token(intent.identity)
      const answer = await this.call({
        method: intent.method,
        path: intent.path,
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          'idempotency-key': intent.key,
        },
        body: JSON.stringify(intent.body),
      })
      if (answer.status < 500 && answer.status !== 429) return answer
      intent.unclear.push(`${answer.status} ${JSON.stringify(answer.body)}`)
    } catch (error) {
      intent.unclear.push(error instanceof Error ? error.message : String(error))
    }
    return undefined
  }

  /** Sends until the outcome is definite, with the same key, pausing between tries; throws after `timeoutMs`. */
  async settle(intent: Intent, timeoutMs: number): Promise<HttpAnswer> {
    const deadline = Date.now() + timeoutMs
    for (let pauseMs = 50; ; pauseMs = Math.min(pauseMs * 2, 1_000)) {
      const answer = await this.send(intent)
      if (answer !== undefined) {
        intent.answer = answer
        return answer
      }
      if (Date.now() > deadline) {
        throw new Error(
          `${intent.method} ${intent.path} of ${intent.identity} has no outcome after ${timeoutMs} ms: ${intent.unclear.at(-1)}`,
        )
      }
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
  }
}
