import { elapsedWords } from '../app/times.ts'
import { isolated } from '../app/visible-text.ts'
import { t } from '../i18n/wallet.ts'
import { formatCents } from '../money/money.ts'
import type { News, RequestNews } from './news.ts'

/** The text of a piece of news, and the page that shows more. */
export type NewsWords = {
  readonly title: string
  readonly detail: string | undefined
  readonly icon: string
  /** The address of the page in the wallet. */
  readonly to: string
}

/** @param nameOf the name of a person, by id */
export function wordsOfNews(news: News, nameOf: (id: string) => string): NewsWords {
  const name = (id: string) => isolated(nameOf(id))
  if (news.kind === 'received') {
    const { counterparty, amount, notes, transferId, at } = news.entry
    return {
      title: t('news.paidYou', { name: name(counterparty), amount: formatCents(amount) }),
      detail: quoted(notes),
      icon: 'i-lucide-arrow-down-left',
      to: addressOfPayment(transferId, at),
    }
  }
  const { request } = news
  return { ...wordsOfRequest(news, name, formatCents(request.amount)), to: addressOfRequest(request.id) }
}

function wordsOfRequest(
  { kind, request }: RequestNews,
  name: (id: string) => string,
  amount: string,
): Omit<NewsWords, 'to'> {
  const { requester, debtor, notes } = request
  switch (kind) {
    case 'paid':
      return {
        title: t('news.paid', { name: name(debtor), amount }),
        detail: afterAsking(request),
        icon: 'i-lucide-check',
      }
    case 'declined':
      return {
        title: t('news.declined', { name: name(debtor), amount }),
        detail: afterAsking(request),
        icon: 'i-lucide-x',
      }
    case 'expired':
      return {
        title: t('news.expired', { amount }),
        detail: t('news.notAnswered', { name: name(debtor) }),
        icon: 'i-lucide-hourglass',
      }
    case 'asked':
      return {
        title: t('news.asked', { name: name(requester), amount }),
        detail: quoted(notes),
        icon: 'i-lucide-hand-coins',
      }
    case 'reminded':
      return {
        title: t('news.reminded', { name: name(requester), amount }),
        detail: quoted(notes),
        icon: 'i-lucide-bell-ring',
      }
    case 'withdrawn':
      return {
        title: t('news.withdrawn', { name: name(requester), amount }),
        detail: quoted(notes),
        icon: 'i-lucide-undo-2',
      }
  }
}

function quoted(notes: string | undefined): string | undefined {
  return notes === undefined ? undefined : t('news.quotedNotes', { notes: isolated(notes) })
}

/** “2 s after you asked”, by the log's own times. */
export function afterAsking({
  createdAt,
  closedAt,
}: {
  readonly createdAt: number
  readonly closedAt?: number | undefined
}) {
  return closedAt === undefined ? undefined : t('news.afterAsking', { time: elapsedWords(closedAt - createdAt) })
}

/** Payments of several people of whom nothing was known before, in one line. */
export function wordsOfStrangers(
  entries: readonly { readonly counterparty: string; readonly amount: number }[],
  nameOf: (id: string) => string,
): Pick<NewsWords, 'title' | 'detail'> {
  const people = new Set(entries.map(({ counterparty }) => counterparty))
  const [first = ''] = people
  const others = people.size - 1
  const name = isolated(nameOf(first))
  const amount = formatCents(entries.reduce((cents, entry) => cents + entry.amount, 0))
  const title =
    others === 0 ? t('news.paidYou', { name, amount }) : t('news.paidYouTogether', { name, count: others, amount })
  return { title, detail: t('news.payments', { count: entries.length }) }
}

/** @param at the time of the entry, which finds it again at any age */
export function addressOfPayment(transferId: string, at: number): string {
  return `/payments/${encodeURIComponent(transferId)}?at=${at}`
}

export function addressOfRequest(id: string): string {
  return `/requests/${encodeURIComponent(id)}`
}
