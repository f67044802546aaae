import type { Problem } from './types.ts'

/** Gives access tokens to requests: the session, or a substitute in tests. */
export type TokenSource = {
  /** A token that is valid now, or undefined if no one is signed in. */
  readonly token: () => Promise<string | undefined>
  /** A token newer than the refused one, or undefined if the session can't be renewed. */
  readonly renew: (refused: string) => Promise<string | undefined>
}

export type Answer = { readonly response: Response; readonly body: unknown }

/** A definite refusal by the gateway, or a fault that it named. */
export class ProblemError extends Error {
  readonly code = 'problem'
  readonly problem: Problem
  /** When it may be tried again, if the gateway says so. */
  readonly retryAfterMs: number | undefined
  constructor(problem: Problem, retryAfterMs?: number) {
    super(problem.detail ?? problem.title ?? `status ${problem.status}`)
    this.name = 'ProblemError'
    this.problem = problem
    this.retryAfterMs = retryAfterMs
  }
}

/** No answer came: the gateway couldn't be reached or didn't answer in time. May be retried. */
export class UnreachableError extends Error {
  readonly code = 'unreachable'
  constructor(cause: unknown) {
    super('the gateway could not be reached', { cause })
    this.name = 'UnreachableError'
  }
}

const defaultTimeoutMs = 20_000

export type HttpClient = ReturnType<typeof createHttp>

/** Requests to the gateway with the session's token; a token that is refused is renewed once, and the request repeated. */
export function createHttp(tokens: TokenSource, fetchLike: typeof fetch = (input, init) => fetch(input, init)) {
  async function send(path: string, init: RequestInit = {}, timeoutMs = defaultTimeoutMs): Promise<Response> {
    const token = await tokens.token()
    const first = await attempt(path, init, token, timeoutMs)
    if (first.status !== 401 || token === undefined) return first
    const renewed = await tokens.renew(token)
    return renewed === undefined ? first : attempt(path, init, renewed, timeoutMs)
  }

  async function attempt(path: string, init: RequestInit, token: string | undefined, timeoutMs: number) {
    const headers = new Headers(init.headers)
    if (token !== undefined) headers.set('authorization', `Bearer ${token}`)
    if (!headers.has('accept')) headers.set('accept', 'application/json')
    const timeout = AbortSignal.timeout(timeoutMs)
    const signal = init.signal ? AbortSignal.any([init.signal, timeout]) : timeout
    try {
      return await fetchLike(path, { ...init, headers, signal, cache: 'no-store' })
    } catch (error) {
      if (init.signal?.aborted) throw error
      throw new UnreachableError(error)
    }
  }

  /** @throws ProblemError for any status but 2xx, UnreachableError if there is no answer */
  async function getJson<Value>(path: string, init: RequestInit = {}): Promise<Value> {
    const { response, body } = await answerOf(await send(path, init))
    if (!response.ok) throw new ProblemError(problemOf(response, body), retryAfterMsOf(response))
    // The gateway's answers are checked against the same schemas at its own edge.
    return body as Value
  }

  return { send, getJson }
}

/** Reads a JSON answer; the body is undefined if the answer isn't JSON. */
export async function answerOf(response: Response): Promise<Answer> {
  if (!/json/.test(response.headers.get('content-type') ?? '')) return { response, body: undefined }
  try {
    return { response, body: await response.json() }
  } catch (error) {
    throw new UnreachableError(error)
  }
}

/** The problem details of an answer; if it has none (as a proxy's error page), they are made from its status. */
export function problemOf(response: Response, body: unknown): Problem {
  if (typeof body === 'object' && body !== null && 'type' in body && typeof body.type === 'string') {
    return { ...(body as Problem), status: response.status }
  }
  return { type: 'about:blank', status: response.status }
}

/** Longer than any pause that the gateway asks for, and within what a timer can hold. */
const maxRetryAfterMs = 24 * 60 * 60 * 1000

/** The pause that an answer asks for in seconds (RFC 9110, section 10.2.3), a day at most; undefined if it asks for none. */
export function retryAfterMsOf(response: Pick<Response, 'headers'>): number | undefined {
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN)
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds * 1000, maxRetryAfterMs) : undefined
}
