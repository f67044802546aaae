import { type ProblemSlug, slugOf } from '@streampay/domain'
import { durationWords, exactTime } from '../app/times.ts'
import { t } from '../i18n/wallet.ts'
import { formatCents } from '../money/money.ts'
import { ProblemError } from './http.ts'
import type { Problem } from './types.ts'

/**
 * Refusals and faults in words: what happened, what it means for the money, and what can be done. The `type` decides, and not the text; an
 * unknown type is told by its status, so that the answers of a newer gateway are still understood.
 */
export type Words = {
  readonly title: string
  readonly detail: string
}

type Wording = (problem: Problem) => Words
type TextName = Parameters<typeof t>[0]

const bySlug: Readonly<Record<ProblemSlug, Wording>> = {
  'malformed-body': malformedWords,
  'malformed-command': malformedWords,
  'malformed-request': malformedWords,
  'invalid-position': fixed('problems.outOfStep', 'problems.outOfStepDetail'),
  unauthorized: fixed('problems.signedOut', 'problems.signedOutDetail'),
  'missing-scope': ({ scope }) => ({
    title: t('problems.notAllowed'),
    detail: scope === undefined ? t('problems.missingPermission') : t('problems.missingScope', { scope }),
  }),
  'reserved-identity': fixed('problems.notPossible', 'problems.reservedIdentity'),
  'requests-not-accepted': fixed('problems.notAccepted', 'problems.requestsNotAccepted'),
  'subject-differs': fixed('problems.somebodyElse', 'problems.somebodyElseDetail'),
  'topic-not-writable': fixed('problems.notToTopic', 'problems.notToTopicDetail'),
  'not-found': fixed('problems.notFound', 'problems.notFoundDetail'),
  'unknown-recipient': fixed('problems.noSuchPerson', 'problems.noSuchPersonDetail'),
  'unknown-request': fixed('problems.requestNotFound', 'problems.requestNotFoundDetail'),
  'method-not-allowed': fixed('problems.didNotWork', 'problems.hasChanged'),
  'not-acceptable': fixed('problems.didNotWork', 'problems.hasChanged'),
  'insufficient-funds': ({ available }) => ({
    title: t('problems.notEnough'),
    detail:
      available === undefined
        ? t('problems.balanceTooSmall')
        : t('problems.availableTooSmall', { available: formatCents(available) }),
  }),
  'not-possible-now': ({ detail }) => ({
    title: t('problems.notPossible'),
    detail: reportedWords(detail, 'problems.wentWrong'),
  }),
  'request-closed': ({ requestStatus }) => ({ title: t('problems.settled'), detail: closedWords(requestStatus) }),
  'treasury-exhausted': fixed('problems.notPossible', 'problems.treasuryExhausted'),
  'precondition-failed': fixed('problems.changedElsewhere', 'problems.changedElsewhereDetail'),
  'payload-too-large': fixed('problems.tooLong', 'problems.tooLongDetail'),
  'unsupported-media-type': fixed('problems.didNotWork', 'problems.hasChanged'),
  'amount-differs': ({ expected }) => ({
    title: t('problems.amountDiffers'),
    detail:
      expected === undefined
        ? t('problems.amountAskedFor')
        : t('problems.amountExpected', { expected: formatCents(expected) }),
  }),
  'recipient-differs': fixed('problems.wrongRecipient', 'problems.wrongRecipientDetail'),
  'own-account': fixed('problems.ownAccount', 'problems.ownAccountDetail'),
  'reserved-recipient': fixed('problems.notPossible', 'problems.reservedRecipient'),
  'idempotency-key-reused': fixed('problems.sentBefore', 'problems.sentBeforeDetail'),
  'too-many-requests': fixed('problems.tooFast', 'problems.tooFastDetail'),
  'request-timeout': fixed('problems.tooSlow', 'problems.tooSlowDetail'),
  'headers-too-large': fixed('problems.didNotWork', 'problems.signOutAndIn'),
  'too-many-commands': fixed('problems.enoughForToday', 'problems.enoughForTodayDetail'),
  'reminded-recently': ({ possibleAt }) => ({
    title: t('problems.reminded'),
    detail:
      possibleAt === undefined
        ? t('problems.oneReminder')
        : t('problems.nextReminder', { time: exactTime(possibleAt) }),
  }),
  'too-many-requests-open': fixed('problems.tooManyOpen', 'problems.tooManyOpenDetail'),
  'too-many-people-blocked': fixed('problems.tooManyBlocked', 'problems.tooManyBlockedDetail'),
  'too-many-favourites': fixed('problems.tooManyFavourites', 'problems.tooManyFavouritesDetail'),
  'internal-error': fixed('problems.didNotWork', 'problems.internalError'),
  'log-unavailable': fixed('problems.notAvailable', 'problems.notAvailableDetail'),
  'try-again': fixed('problems.busy', 'problems.busyDetail'),
  'outcome-unknown': () => unknownOutcomeWords(),
}

/** Words for a refusal or fault that the gateway answered. */
export function wordsFor(problem: Problem): Words {
  const slug = slugOf(problem.type)
  return slug === undefined ? wordsByStatus(problem) : bySlug[slug](problem)
}

/** Words for a missing answer: the outcome isn't known, and asking again is safe. */
export const unknownOutcomeWords = fixed('problems.noAnswer', 'problems.noAnswerDetail')

/** Words for a page or list that couldn't be loaded because no answer came. */
const unreachableWords = fixed('problems.unreachable', 'problems.unreachableDetail')

/** Words for an error that a request has thrown: a problem that the gateway named, with the pause that it asks for, or no answer. */
export function wordsOf(error: unknown): Words {
  if (!(error instanceof ProblemError)) return unreachableWords()
  const words = wordsFor(error.problem)
  if (error.retryAfterMs === undefined || error.problem.status !== 429) return words
  const duration = durationWords(error.retryAfterMs)
  return { ...words, detail: t('problems.possibleIn', { words: words.detail, duration }) }
}

/**
 * Words for a command that was turned away while an earlier request with the same key has no known outcome: what is true of this request
 * isn't true of the earlier one.
 */
export function stillUnknownWords(problem: Problem): Words {
  return { title: wordsFor(problem).title, detail: t('problems.stillUnknown') }
}

function fixed(title: TextName, detail: TextName): () => Words {
  return () => ({ title: t(title), detail: t(detail) })
}

function closedWords(status: string | undefined): string {
  switch (status) {
    case 'paid':
      return t('problems.requestPaid')
    case 'declined':
      return t('problems.requestDeclined')
    case 'expired':
      return t('problems.requestExpired')
    case 'cancelled':
      return t('problems.requestWithdrawn')
    default:
      return t('problems.requestClosed')
  }
}

function wordsByStatus(problem: Problem): Words {
  if (problem.status === 401) return bySlug.unauthorized(problem)
  if (problem.status === 429) return bySlug['too-many-requests'](problem)
  if (problem.status === 503) return bySlug['log-unavailable'](problem)
  if (problem.status >= 500) return bySlug['internal-error'](problem)
  return {
    title: t('problems.didNotWork'),
    detail: reportedWords(problem.detail ?? problem.title, 'problems.wentWrong'),
  }
}

function malformedWords({ errors = [], detail }: Problem): Words {
  const lines = errors.map(({ field, message }) => (field === '' ? message : `${field} ${message}`))
  const reported = lines.length > 0 ? lines.join('; ') : detail
  return { title: t('problems.notRight'), detail: reportedWords(reported, 'problems.checkEntered') }
}

/** The gateway's own texts are English, in any language of the page. */
function reportedWords(reported: string | undefined, otherwise: TextName): string {
  return reported === undefined ? t(otherwise) : t('problems.reported', { reported })
}
