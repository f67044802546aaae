import type { Entry, PaymentRequest } from '@streampay/domain'
import { describe, expect, it } from 'vitest'
import { type News, NewsReader, type Own } from '../src/news/news.ts'
import { wordsOfNews, wordsOfStrangers } from '../src/news/news-words.ts'

const nothing: Own = { entries: [], received: [], sent: [] }

function entry(fields: Partial<Entry>): Entry {
  return {
    transferId: 't0-1',
    account: 'ada',
    counterparty: 'greta',
    amount: 1_250,
    kind: 'payment',
    commandPartition: 0,
    commandOffset: 1,
    applied: 'writer',
    at: 1_000,
    ...fields,
  }
}

function request(fields: Partial<PaymentRequest>): PaymentRequest {
  return { id: 'r1', requester: 'ada', debtor: 'greta', amount: 1_250, status: 'open', createdAt: 1_000, ...fields }
}

/** The news from a second reading after a first one. */
function newsOf(before: Partial<Own>, after: Partial<Own>): News[] {
  const reader = new NewsReader()
  expect(reader.look({ ...nothing, ...before })).toEqual([])
  return reader.look({ ...nothing, ...after })
}

const kinds = (news: readonly News[]) => news.map(({ kind }) => kind)

describe('a reading of my own rows', () => {
  it('tells nothing of what was there before', () => {
    const all = { entries: [entry({})], received: [request({})], sent: [request({ status: 'paid' })] }
    expect(newsOf(all, all)).toEqual([])
  })

  it.each(['paid', 'declined', 'expired'] as const)('tells that my request was %s, once', (status) => {
    const closed = request({ status, closedAt: 3_000 })
    const reader = new NewsReader()
    reader.look({ ...nothing, sent: [request({})] })
    expect(reader.look({ ...nothing, sent: [closed] })).toEqual([{ kind: status, request: closed }])
    expect(reader.look({ ...nothing, sent: [closed] })).toEqual([])
  })

  it('tells of a request that was made and paid between two readings', () => {
    const sent = [request({ status: 'paid', closedAt: 3_000 })]
    expect(
      kinds(
        newsOf(
          { sent: [request({ id: 'r0', createdAt: 500 })] },
          { sent: [...sent, request({ id: 'r0', createdAt: 500 })] },
        ),
      ),
    ).toEqual(['paid'])
  })

  it('tells of money that came, and not of what I paid, of a top-up, or of what settles my request', () => {
    const entries = [
      entry({ transferId: 'a', at: 2_000 }),
      entry({ transferId: 'b', at: 2_000, amount: -5 }),
      entry({ transferId: 'c', at: 2_000, kind: 'topUp' }),
      entry({ transferId: 'd', at: 2_000, requestId: 'r1' }),
    ]
    const news = newsOf({ entries: [entry({})] }, { entries: [...entries, entry({})] })
    expect(news).toEqual([{ kind: 'received', entry: entries[0] }])
  })

  it('tells who asks me, and who withdraws a request', () => {
    const asked = request({ requester: 'greta', debtor: 'ada', createdAt: 2_000 })
    expect(kinds(newsOf({}, { received: [asked] }))).toEqual(['asked'])
    const withdrawn = { ...asked, status: 'cancelled' as const, closedAt: 3_000 }
    expect(kinds(newsOf({ received: [asked] }, { received: [withdrawn] }))).toEqual(['withdrawn'])
    // Made and withdrawn before it was read.
    expect(newsOf({}, { received: [withdrawn] })).toEqual([])
  })

  it('tells of each reminder once, and not of one that I sent', () => {
    const asked = request({ requester: 'greta', debtor: 'ada' })
    const reminded = { ...asked, remindedAt: 2_000, reminders: 1 }
    expect(kinds(newsOf({ received: [asked] }, { received: [reminded] }))).toEqual(['reminded'])
    expect(newsOf({ received: [reminded] }, { received: [reminded] })).toEqual([])
    const again = { ...reminded, remindedAt: 3_000, reminders: 2 }
    expect(kinds(newsOf({ received: [reminded] }, { received: [again] }))).toEqual(['reminded'])
    // Older than all that was read until now: the reminder brings it back into the view.
    expect(kinds(newsOf({ received: [request({ id: 'r2' })] }, { received: [reminded] }))).toEqual(['reminded'])
    const mine = request({})
    expect(newsOf({ sent: [mine] }, { sent: [{ ...mine, remindedAt: 2_000, reminders: 1 }] })).toEqual([])
  })

  it.each(['paid', 'declined'] as const)('does not tell me that I myself %s a request', (status) => {
    const asked = request({ requester: 'greta', debtor: 'ada' })
    expect(newsOf({ received: [asked] }, { received: [{ ...asked, status, closedAt: 3_000 }] })).toEqual([])
  })

  it('does not tell me that I took my own request back, or that I made one', () => {
    expect(newsOf({ sent: [request({})] }, { sent: [request({ status: 'cancelled', closedAt: 3_000 })] })).toEqual([])
    expect(newsOf({}, { sent: [request({ createdAt: 2_000 })] })).toEqual([])
  })

  it('does not tell of older pages of the statement', () => {
    const newest = entry({ transferId: 'new', at: 9_000 })
    const older = Array.from({ length: 30 }, (_, n) => entry({ transferId: `old-${n}`, at: 100 + n }))
    expect(newsOf({ entries: [newest] }, { entries: [newest, ...older] })).toEqual([])
  })
})

describe('the words', () => {
  const nameOf = (id: string) => (id === 'greta' ? 'Greta' : id)
  const plain = (text: string | undefined) => text?.replaceAll(/[\u2068\u2069]/g, '')
  const told = (news: News) => {
    const { title, detail, to } = wordsOfNews(news, nameOf)
    return [plain(title), plain(detail), to]
  }

  it('say how long it took', () => {
    const paid = request({ status: 'paid', closedAt: 3_100 })
    expect(told({ kind: 'paid', request: paid })).toEqual(['Greta paid $12.50', '2 s after you asked', '/requests/r1'])
    expect(told({ kind: 'declined', request: { ...paid, status: 'declined' } })[0]).toBe('Greta declined to pay $12.50')
  })

  it('say who, how much and what for, and where to look', () => {
    expect(told({ kind: 'received', entry: entry({ notes: 'Lunch' }) })).toEqual([
      'Greta paid you $12.50',
      '“Lunch”',
      '/payments/t0-1?at=1000',
    ])
    const asked = request({ requester: 'greta', debtor: 'ada' })
    expect(told({ kind: 'asked', request: asked })[0]).toBe('Greta asks you for $12.50')
    expect(told({ kind: 'reminded', request: asked })[0]).toBe('Greta reminds you: $12.50')
  })

  it('put several strangers into one line', () => {
    const entries = [entry({}), entry({ counterparty: 'b', amount: 50 }), entry({ counterparty: 'b', amount: 100 })]
    const { title, detail } = wordsOfStrangers(entries, nameOf)
    expect([plain(title), detail]).toEqual(['Greta and 1 other paid you $14.00', '3 payments'])
    expect(plain(wordsOfStrangers([...entries, entry({ counterparty: 'c' })], nameOf).title)).toBe(
      'Greta and 2 others paid you $26.50',
    )
    const [first = entry({})] = entries
    expect(plain(wordsOfStrangers([first, first], nameOf).title)).toBe('Greta paid you $25.00')
  })
})
