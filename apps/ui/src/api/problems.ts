import { type ProblemSlug, slugOf } from '@streampay/domain'
import { durationWords } from '../app/times.ts'
import { formatCents } from '../money/money.ts'
import { ProblemError } from './http.ts'
import type { Problem } from './types.ts'

/**
 * Refusals and faults in words: what happened, what became of the money, and what can be done. The `type` decides, never
 * the text; an unknown type falls back to its status, so that a newer gateway is still understood.
 */
export type Words = {
  readonly title: string
  readonly detail: string
}

type Wording = (problem: Problem) => Words

const bySlug: Readonly<Record<ProblemSlug, Wording>> = {
  'malformed-body': (problem) => ({ title: 'Something isn’t right', detail: fieldWords(problem) }),
  'malformed-command': (problem) => ({ title: 'Something isn’t right', detail: fieldWords(problem) }),
  'malformed-request': (problem) => ({ title: 'Something isn’t right', detail: fieldWords(problem) }),
  'invalid-position': fixed('Out of step', 'What you see is out of date. Reload the page.'),
  unauthorized: fixed('Signed out', 'Your session has ended. Sign in again to go on.'),
  'missing-scope': ({ scope }) => ({
    title: 'Not allowed',
    detail: `Your sign-in doesn’t include the permission for this${scope === undefined ? '' : ` (${scope})`}.`,
  }),
  'reserved-identity': fixed('Not possible', 'This identity belongs to StreamPay itself and can’t be used to sign in.'),
  'requests-not-accepted': fixed('Not accepted', 'This person accepts no payment requests from you. Nothing was sent.'),
  'subject-differs': fixed('Signed in as somebody else', 'Reload the page to go on as the person signed in now.'),
  'not-found': fixed('Not found', 'This doesn’t exist any more, or isn’t yours to see.'),
  'unknown-recipient': fixed(
    'No such person',
    'This person has no StreamPay account. Choose somebody else. Nothing was sent.',
  ),
  'unknown-request': fixed('Request not found', 'This request doesn’t exist or isn’t yours to see. Nothing was sent.'),
  'method-not-allowed': fixed('That didn’t work', 'StreamPay has changed meanwhile. Reload the page.'),
  'not-acceptable': fixed('That didn’t work', 'StreamPay has changed meanwhile. Reload the page.'),
  'insufficient-funds': ({ available }) => ({
    title: 'Not enough money',
    detail:
      available === undefined
        ? 'Your balance is smaller than this amount. Nothing was sent.'
        : `You have ${formatCents(available)}, which is less than this amount. Nothing was sent.`,
  }),
  'request-closed': ({ requestStatus }) => ({ title: 'Already settled', detail: closedWords(requestStatus) }),
  'treasury-exhausted': fixed('Not possible', 'No more money can be issued. Nothing was sent.'),
  'precondition-failed': fixed(
    'Changed elsewhere',
    'This was changed elsewhere meanwhile. Look at the new version first.',
  ),
  'payload-too-large': fixed('Too long', 'That is more text than can be sent.'),
  'unsupported-media-type': fixed('That didn’t work', 'StreamPay has changed meanwhile. Reload the page.'),
  'amount-differs': ({ expected }) => ({
    title: 'Amount differs',
    detail: `A request is paid with exactly the amount asked for${
      expected === undefined ? '' : `, ${formatCents(expected)}`
    }. Nothing was sent.`,
  }),
  'recipient-differs': fixed('Wrong recipient', 'A request is paid to the person who made it. Nothing was sent.'),
  'own-account': fixed('That’s you', 'You can’t pay or ask yourself. Choose somebody else.'),
  'reserved-recipient': fixed('Not possible', 'This account belongs to StreamPay itself. Choose somebody else.'),
  'idempotency-key-reused': fixed('Sent before', 'This was sent before with other details. Start again to be safe.'),
  'too-many-requests': fixed('Too fast', 'Too many attempts in a short time. Nothing was sent; try again in a moment.'),
  'request-timeout': fixed('Too slow', 'The connection is too slow. Nothing was sent; try again.'),
  'headers-too-large': fixed('That didn’t work', 'Sign out and in again, then try once more.'),
  'too-many-commands': fixed('Enough for today', 'You have sent as much as can be taken in a day. Try again tomorrow.'),
  'too-many-requests-open': fixed(
    'Too many open requests',
    'Too many payment requests are still to be answered. Cancel some of yours, or wait. Nothing was sent.',
  ),
  'too-many-people-blocked': fixed('Too many people blocked', 'Unblock somebody first, then try again.'),
  'internal-error': fixed('That didn’t work', 'Something went wrong on our side. Try again.'),
  'log-unavailable': fixed('Not available', 'StreamPay can’t take this right now. Nothing was sent; try again soon.'),
  'try-again': fixed('Busy', 'StreamPay is busy right now. Nothing was sent; try again.'),
  'outcome-unknown': fixed(
    'No answer yet',
    'We don’t know yet whether this went through. Check again: it can’t happen twice.',
  ),
}

/** Words for a refusal or fault that the gateway answered. */
export function wordsFor(problem: Problem): Words {
  const slug = slugOf(problem.type)
  return slug === undefined ? wordsByStatus(problem) : bySlug[slug](problem)
}

/** Words for an answer that never came: the outcome isn't known, and asking again is safe. */
export const unknownOutcomeWords: Words = bySlug['outcome-unknown']({ type: '', status: 504 })

/** Words for a page or list that couldn't be loaded for lack of an answer. */
export const unreachableWords: Words = {
  title: 'Can’t reach StreamPay',
  detail: 'Check your connection, then try again.',
}

/** Words for what was thrown by a request: a problem that the gateway named, with the pause that it asks for, or no answer. */
export function wordsOf(error: unknown): Words {
  if (!(error instanceof ProblemError)) return unreachableWords
  const words = wordsFor(error.problem)
  if (error.retryAfterMs === undefined || error.problem.status !== 429) return words
  return { ...words, detail: `${words.detail} It is possible in ${durationWords(error.retryAfterMs)}.` }
}

/**
 * Words for a command that was turned away while an earlier sending of it has no known outcome: what is said of this sending
 * isn't true of that one.
 */
export function stillUnknownWords(problem: Problem): Words {
  const detail =
    'This attempt was turned away. The earlier one may have gone through: try again, it can’t happen twice.'
  return { title: wordsFor(problem).title, detail }
}

function fixed(title: string, detail: string): Wording {
  return () => ({ title, detail })
}

function closedWords(status: string | undefined): string {
  switch (status) {
    case 'paid':
      return 'This request has been paid already. Nothing was sent again.'
    case 'declined':
      return 'This request was declined. Nothing was sent.'
    case 'expired':
      return 'This request was open for 30 days and has expired. Nothing was sent.'
    case 'cancelled':
      return 'The person who asked has withdrawn this request. Nothing was sent.'
    default:
      return 'This request is no longer open. Nothing was sent.'
  }
}

function wordsByStatus(problem: Problem): Words {
  const detail = problem.detail ?? problem.title ?? 'Something went wrong. Try again.'
  if (problem.status === 401) return bySlug.unauthorized(problem)
  if (problem.status === 429) return bySlug['too-many-requests'](problem)
  if (problem.status === 503) return bySlug['log-unavailable'](problem)
  if (problem.status >= 500) return bySlug['internal-error'](problem)
  return { title: 'That didn’t work', detail }
}

function fieldWords(problem: Problem): string {
  const lines = problem.errors?.map(({ field, message }) => (field === '' ? message : `${field} ${message}`)) ?? []
  return lines.length > 0 ? lines.join('; ') : (problem.detail ?? 'Check what you entered.')
}
