import type { PaymentRequest } from '@streampay/domain'
import {
  type CommandIntent,
  type Crowd,
  type Intent,
  observeAnswer,
  observeBalance,
  observeRequest,
  observeUser,
} from '../../src/crowd.ts'
import { decide } from '../../src/decide.ts'

/**
 * The log and the payments service as a crowd sees them, reduced to balances and requests: every intent is carried out at once, and the
 * crowd observes the changes.
 */
export function openLedger(crowd: Crowd) {
  const balances = new Map<string, number>()
  const requests = new Map<string, PaymentRequest>()
  const done: Record<string, number> = {}
  let made = 0
  const events: { readonly at: number; readonly intent: CommandIntent }[] = []
  const count = (what: string) => {
    done[what] = (done[what] ?? 0) + 1
  }

  function carryOut(intent: Intent, now: number): void {
    if (intent.type === 'register') {
      observeUser(crowd, intent.user.id, now)
      setBalance(intent.user.id, 50_000, now)
      count('registered')
      return
    }
    const answer = answerTo(intent, now)
    events.push({ at: now, intent })
    count(`${intent.type} ${answer.status}`)
    observeAnswer(crowd, intent, answer, now)
  }

  function answerTo(intent: CommandIntent, now: number) {
    switch (intent.type) {
      case 'pay':
      case 'settle': {
        const available = balances.get(intent.from) ?? 0
        const request = intent.type === 'settle' ? requests.get(intent.requestId) : undefined
        if (intent.type === 'settle' && request?.status !== 'open') return { status: 409, body: {} }
        if (available < intent.amount) return { status: 409, body: { available } }
        setBalance(intent.to, (balances.get(intent.to) ?? 0) + intent.amount, now)
        setBalance(intent.from, available - intent.amount, now)
        if (request !== undefined) close(request, 'paid', now)
        return { status: 200, body: { balance: available - intent.amount } }
      }
      case 'topUp':
        setBalance(intent.to, (balances.get(intent.to) ?? 0) + intent.amount, now)
        return { status: 200, body: { balance: -1 } }
      case 'request': {
        const id = `r${made++}`
        const { from, to, amount } = intent
        put({ id, requester: from, debtor: to, amount, status: 'open', createdAt: now }, now)
        return { status: 201, body: { id } }
      }
      case 'decline':
      case 'cancel': {
        const request = requests.get(intent.requestId)
        if (request?.status !== 'open') return { status: 409, body: {} }
        close(request, intent.type === 'cancel' ? 'cancelled' : 'declined', now)
        return { status: 200, body: {} }
      }
    }
  }

  function setBalance(account: string, balance: number, now: number): void {
    balances.set(account, balance)
    observeBalance(crowd, account, balance, now)
  }

  function close(request: PaymentRequest, status: PaymentRequest['status'], now: number): void {
    put({ ...request, status, closedAt: now }, now)
  }

  function put(request: PaymentRequest, now: number): void {
    requests.set(request.id, request)
    observeRequest(crowd, request.id, request, now)
  }

  return {
    balances,
    requests,
    done,
    /** What virtual people did, with the crowd's time. */
    events,
    put,
    /** A real person pays a request. */
    settle(request: PaymentRequest, now: number): void {
      const { debtor, requester, amount } = request
      setBalance(debtor, (balances.get(debtor) ?? 0) - amount, now)
      setBalance(requester, (balances.get(requester) ?? 0) + amount, now)
      close(request, 'paid', now)
    },
    /** A real person declines a request. */
    decline: (request: PaymentRequest, now: number) => close(request, 'declined', now),
    setBalance,
    /** Runs the crowd for this stretch of its time, with a decision every `stepMs`. */
    run({ from, to, stepMs }: { from: number; to: number; stepMs: number }): void {
      for (let now = from; now < to; now += stepMs) {
        for (const intent of decide(crowd, now, 1000)) carryOut(intent, now)
      }
    },
  }
}
