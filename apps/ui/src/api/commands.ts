import { answerOf, type HttpClient, problemOf, retryAfterMsOf, UnreachableError } from './http.ts'
import type { Intent, Intents } from './intents.ts'
import type { Problem } from './types.ts'

/** How a command ended, as far as this tab knows. Only `unknown` and `notNow` may be repeated, with the same key. */
export type CommandResult<Reply> =
  | { readonly kind: 'done'; readonly reply: Reply; readonly replayed: boolean }
  | { readonly kind: 'refused'; readonly problem: Problem }
  | { readonly kind: 'notNow'; readonly problem: Problem; readonly retryAfterMs: number }
  | { readonly kind: 'unknown' }

export type CommandsOptions = {
  readonly http: HttpClient
  readonly intents: Intents
  readonly wait: (ms: number) => Promise<void>
  /** Milliseconds since the epoch, with fractions. */
  readonly preciseNow?: () => number
  /** When a command was sent and when it was answered, if it took effect and was answered at once. */
  readonly onTimed?: (effect: string, times: { readonly sentAt: number; readonly answeredAt: number }) => void
}

/** How long the reply of a command is asked for before the person is told that the outcome is unknown. */
const pollDelaysMs = [300, 700, 1000, 2000, 3000, 5000, 5000, 5000]
const defaultRetryAfterMs = 2_000

/** Sends commands, each under its intent's idempotency key, and finds out how they ended. */
export function createCommands({ http, intents, wait, preciseNow = Date.now, onTimed }: CommandsOptions) {
  /**
   * Sends an intent, or sends it again. The key is stored before the request leaves and forgotten only after a definite
   * answer, so calling this again after `unknown` can't make it happen twice.
   */
  async function send<Reply>(begun: Intent): Promise<CommandResult<Reply>> {
    const intent = intents.latest(begun)
    // Sent before without a definite answer: the gateway may have taken that first request, whatever the answer to this
    // one is.
    const mayBeTaken = intent.state === 'sent' || intent.state === 'unknown'
    intents.keep({ ...intent, state: mayBeTaken ? 'unknown' : 'sent' })
    const result = await attempt<Reply>(intent)
    switch (result.kind) {
      case 'done':
        intents.settle(intent, effectOf(result.reply))
        break
      case 'refused':
        intents.settle(intent)
        break
      case 'notNow':
        intents.keep({ ...intents.latest(intent), state: mayBeTaken ? 'unknown' : 'notTaken' })
        break
      case 'unknown':
        intents.keep({ ...intents.latest(intent), state: 'unknown' })
        break
    }
    return result
  }

  async function attempt<Reply>(intent: Intent): Promise<CommandResult<Reply>> {
    try {
      if (intent.replyUrl !== undefined) {
        const earlier = await poll<Reply>(intent.replyUrl)
        if (earlier.kind !== 'unknown') return earlier
      }
      const sentAt = preciseNow()
      const response = await http.send(intent.path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': intent.key },
        body: JSON.stringify(intent.body),
      })
      const location = replyLocation(response)
      if (location === undefined) {
        const result = await resultOf<Reply>(response)
        const effect = result.kind === 'done' && !result.replayed ? effectOf(result.reply) : undefined
        if (effect !== undefined) onTimed?.(effect, { sentAt, answeredAt: preciseNow() })
        return result
      }
      intents.keep({ ...intents.latest(intent), replyUrl: location })
      return await poll<Reply>(location)
    } catch (error) {
      if (error instanceof UnreachableError) return { kind: 'unknown' }
      throw error
    }
  }

  async function poll<Reply>(replyUrl: string): Promise<CommandResult<Reply>> {
    for (const delayMs of pollDelaysMs) {
      await wait(delayMs)
      const response = await http.send(replyUrl)
      // 404 means that the reply can't be read at this address any more: sending again with the same key tells the
      // result.
      if (response.status === 404 && !response.headers.has('idempotency-key')) return { kind: 'unknown' }
      if (response.status !== 202) return resultOf<Reply>(response)
    }
    return { kind: 'unknown' }
  }

  return { send }
}

async function resultOf<Reply>(response: Response): Promise<CommandResult<Reply>> {
  const { body } = await answerOf(response)
  if (response.ok) {
    return { kind: 'done', reply: body as Reply, replayed: response.headers.get('idempotency-replayed') === 'true' }
  }
  const problem = problemOf(response, body)
  // After a 401 that is left after renewal, a 429 or a 503 the command was certainly not taken; the intent stays open.
  if (response.status === 401 || response.status === 429 || response.status === 503) {
    return { kind: 'notNow', problem, retryAfterMs: retryAfterMsOf(response) ?? defaultRetryAfterMs }
  }
  return response.status < 500 ? { kind: 'refused', problem } : { kind: 'unknown' }
}

/** The id of the transfer or request that a reply names. */
function effectOf(reply: unknown): string | undefined {
  if (typeof reply !== 'object' || reply === null) return undefined
  const { transferId, id } = reply as { readonly transferId?: unknown; readonly id?: unknown }
  return [transferId, id].find((value) => typeof value === 'string')
}

function replyLocation(response: Response): string | undefined {
  if (response.status !== 202 && response.status !== 504) return undefined
  const location = response.headers.get('location')
  return location?.startsWith('/replies/') ? location : undefined
}
