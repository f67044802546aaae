/** The stations of the tour: the texts before and after, and the action of each. An action does what the pages do. */
import { isVirtual, recordedVisibility } from '@streampay/domain'
import type { Router } from 'vue-router'
import { commands, http, intents } from '../api/client.ts'
import type { CommandResult } from '../api/commands.ts'
import { answerOf, ProblemError, problemOf } from '../api/http.ts'
import type { IntentKind } from '../api/intents.ts'
import type { PaymentRequest, PayReply, RequestReply, User, UserPage } from '../api/types.ts'
import { elapsedWords } from '../app/times.ts'
import { isolated } from '../app/visible-text.ts'
import { t } from '../i18n/pages.ts'
import { formatCents, formatRound } from '../money/money.ts'
import { addressOfRequest } from '../news/news-words.ts'
import { identity } from '../session/session.ts'
import { usePreferences } from '../stores/preferences.ts'
import type { TourMemory } from './tour-memory.ts'

export type TourContext = {
  readonly router: Router
  readonly memory: () => TourMemory
  readonly remember: (more: Partial<TourMemory>) => void
  /** The requests as they are shown now; they change while a station waits. */
  readonly sent: () => readonly PaymentRequest[]
  readonly incoming: () => readonly PaymentRequest[]
  readonly wait: (ms: number) => Promise<void>
  readonly elapsed: () => number
}

export type Station = {
  readonly id: string
  /** The text, and the label of the button: translated when they are shown. */
  readonly title: () => string
  readonly text: () => string
  readonly action: () => string
  /** @returns what happened, in a sentence. @throws TourError with a sentence, or the errors of http */
  readonly run: (context: TourContext) => Promise<string>
}

/** Why a station could not do its action; it can be tried again. */
export class TourError extends Error {}

const askedCents = 1_250
const paidCents = 100
const lookEveryMs = 200
const answerTimeoutMs = 30_000
const requestTimeoutMs = 60_000
const httpConflict = 409
const mostTries = 4

export const stations: readonly Station[] = [
  {
    id: 'ask',
    title: () => t('tour.askTitle'),
    text: () => t('tour.askText', { amount: formatCents(askedCents) }),
    action: () => t('tour.askAction'),
    run: ask,
  },
  {
    id: 'paid',
    title: () => t('tour.paidTitle'),
    text: () => t('tour.paidText'),
    action: () => t('tour.paidAction'),
    run: waitForPayment,
  },
  {
    id: 'pay',
    title: () => t('tour.payTitle'),
    text: () => t('tour.payText'),
    action: () => t('tour.payAction'),
    run: payRequest,
  },
  {
    id: 'console',
    title: () => t('tour.consoleTitle'),
    text: () => t('tour.consoleText'),
    action: () => t('tour.consoleAction'),
    run: followPayment,
  },
  {
    id: 'kill',
    title: () => t('tour.killTitle'),
    text: () => t('tour.killText'),
    action: () => t('tour.killAction', { amount: formatRound(paidCents) }),
    run: killAndPay,
  },
]

async function ask({ router, memory, remember, wait }: TourContext): Promise<string> {
  const people = (await http.getJson<UserPage>('/users?limit=100')).items.filter(({ id }) => isVirtual(id))
  if (people.length === 0) throw new TourError(t('tour.noVirtualPeople'))
  // A person other than the last time.
  const last = people.findIndex(({ id }) => id === memory().person?.id)
  const person = people[(last + 1) % people.length]
  if (person === undefined) throw new TourError(t('tour.nobodyToAsk'))
  const { id } = await send<RequestReply>({
    kind: 'request',
    path: '/request',
    body: { userId: person.id, amount: askedCents, notes: t('tour.tickets') },
    label: t('tour.requestTo', { amount: formatCents(askedCents), name: person.name }),
    wait,
  })
  remember({ person, requestId: id })
  await router.push(addressOfRequest(id))
  return t('tour.asked', { name: nameOf(person), amount: formatCents(askedCents) })
}

async function waitForPayment(context: TourContext): Promise<string> {
  for (let attempt = 1; ; attempt += 1) {
    const { requestId, person } = context.memory()
    const request = await until(context, answerTimeoutMs, () =>
      context.sent().find(({ id, status }) => id === requestId && status !== 'open'),
    )
    if (request === undefined) throw new TourError(t('tour.noAnswerYet'))
    if (request.status === 'paid') {
      const time = elapsedWords((request.closedAt ?? request.createdAt) - request.createdAt)
      return t('tour.paidAfter', { name: nameOf(person), amount: formatCents(request.amount), time })
    }
    // Some people have no money at the moment: then another one is asked.
    if (attempt === mostTries) throw new TourError(t('tour.nobodyHadMoney'))
    await ask(context)
  }
}

async function payRequest(context: TourContext): Promise<string> {
  const request = await until(context, requestTimeoutMs, () =>
    context.incoming().find(({ requester }) => isVirtual(requester)),
  )
  if (request === undefined) throw new TourError(t('tour.nobodyAsked'))
  await context.router.push({ path: '/send', query: { request: request.id } })
  // The person sees the request before it is paid.
  await context.wait(1_500)
  const { transferId } = await send<PayReply>({
    kind: 'pay',
    path: '/pay',
    body: { userId: request.requester, amount: request.amount, requestId: request.id },
    label: t('tour.paymentOf', { amount: formatCents(request.amount) }),
    wait: context.wait,
  })
  context.remember({ transferId })
  await context.router.push(addressOfRequest(request.id))
  return t('tour.paid', { amount: formatCents(request.amount) })
}

async function followPayment({ router, memory }: TourContext): Promise<string> {
  const { transferId } = memory()
  if (transferId === undefined) throw new TourError(t('tour.noPayment'))
  await router.push(`/trace/${encodeURIComponent(transferId)}`)
  return t('tour.followed')
}

async function killAndPay({ router, memory, remember, wait, elapsed }: TourContext): Promise<string> {
  const { person } = memory()
  if (person === undefined) throw new TourError(t('tour.nobodyToPay'))
  await router.push('/break')
  await wait(1_500)
  await order('/control/services/payments/kill')
  const startedAt = elapsed()
  const { transferId } = await send<PayReply>({
    kind: 'pay',
    path: '/pay',
    body: { userId: person.id, amount: paidCents, notes: t('tour.whileDown') },
    label: t('tour.paymentTo', { amount: formatCents(paidCents), name: person.name }),
    wait,
  })
  const time = elapsedWords(elapsed() - startedAt)
  remember({ transferId })
  return t('tour.survived', { time, transferId })
}

type Sending = {
  readonly kind: IntentKind
  readonly path: string
  readonly body: Readonly<Record<string, unknown>>
  readonly label: string
  readonly wait: TourContext['wait']
}

/** Sent as the pages send it: with the profile's visibility, under a new key, and repeated with that key until there is an answer. */
async function send<Reply>({ wait, ...wanted }: Sending): Promise<Reply> {
  const body = { ...wanted.body, ...recordedVisibility({ visibility: await usePreferences().known() }) }
  const intent = intents.begin({ ...wanted, body, identity: identity.value?.id ?? '', before: [] })
  for (let attempt = 1; ; attempt += 1) {
    const result: CommandResult<Reply> = await commands.send<Reply>(intent)
    if (result.kind === 'done') return result.reply
    if (result.kind === 'refused') throw new ProblemError(result.problem)
    if (attempt === mostTries * 3) throw new TourError(t('tour.noAnswer'))
    await wait(result.kind === 'notNow' ? result.retryAfterMs : lookEveryMs)
  }
}

/** If another person has stopped a service already, it is down: then the station can show what it is for. */
async function order(path: string): Promise<void> {
  const response = await http.send(path, { method: 'POST' })
  if (response.ok || response.status === httpConflict) return
  const { body } = await answerOf(response)
  throw new ProblemError(problemOf(response, body))
}

async function until<Found>(
  { wait, elapsed }: TourContext,
  timeoutMs: number,
  find: () => Found | undefined,
): Promise<Found | undefined> {
  const startedAt = elapsed()
  for (;;) {
    const found = find()
    if (found !== undefined || elapsed() - startedAt > timeoutMs) return found
    await wait(lookEveryMs)
  }
}

function nameOf(person: Pick<User, 'name'> | undefined): string {
  return isolated(person?.name ?? t('tour.somebody'))
}
