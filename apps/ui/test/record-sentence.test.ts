import { topics } from '@streampay/domain'
import { describe, expect, it } from 'vitest'
import { hasSentences, kindOf, sentenceOf } from '../src/console/record-sentence.ts'
import { nameOf, plain, type RecordHeaders, record } from './support/console-record.ts'

describe('a record as a sentence', () => {
  const model = (name: string, more: RecordHeaders = {}) => ({
    'zilla:domain-model': name,
    'zilla:identity': 'greta',
    ...more,
  })
  const about = { 'streampay:request-id': 'r1-45' }
  const request = { id: 'r1-45', requester: 'ada', debtor: 'greta', amount: 1_250, createdAt: 0 }
  const entry = { transferId: 't1-5', account: 'greta', counterparty: 'ada', amount: -1_250, kind: 'payment' }

  it.each([
    [
      'commands',
      { userId: 'ada', amount: 1_250, requestId: 'r1-45' },
      model('PayCommand'),
      'PayCommand',
      'Greta pays Ada $12.50, settles r1-45',
    ],
    [
      'commands',
      { userId: 'zoe', amount: 5, notes: 'Tea' },
      model('PayCommand'),
      'PayCommand',
      'Greta pays zoe $0.05, “Tea”',
    ],
    [
      'commands',
      { userId: 'ada', amount: 1_250 },
      model('RequestCommand'),
      'RequestCommand',
      'Greta asks Ada for $12.50',
    ],
    ['commands', {}, model('DeclineCommand', about), 'DeclineCommand', 'Greta declines r1-45'],
    ['commands', {}, model('CancelCommand', about), 'CancelCommand', 'Greta cancels r1-45'],
    ['commands', { userId: 'ada' }, model('BlockCommand'), 'BlockCommand', 'Greta blocks Ada'],
    ['commands', {}, model('RemindCommand', about), 'RemindCommand', 'Greta reminds of r1-45'],
    [
      'commands',
      { userId: 'ada', amount: 1_250, visibility: 'private' },
      model('PayCommand'),
      'PayCommand',
      'Greta pays Ada $12.50, in private',
    ],
    ['commands', { userId: 'ada' }, model('FavouriteCommand'), 'FavouriteCommand', 'Greta adds Ada to the favourites'],
    [
      'commands',
      {},
      model('UnfavouriteCommand', { 'streampay:request-id': 'ada' }),
      'UnfavouriteCommand',
      'Greta takes Ada off the favourites',
    ],
    ['favourite-people', { id: 'x', owner: 'greta', favourite: 'ada', at: 0 }, {}, '', 'Ada is a favourite of Greta'],
    ['favourite-people', null, { 'zilla:identity': 'greta' }, 'deleted', 'Greta has one favourite less'],
    [
      'statements',
      { account: 'ada', month: '2026-11', moneyIn: 50_000, moneyOut: 1_250, opening: 0, closing: 48_750 },
      {},
      '',
      'Ada has got $500.00 and given $12.50 in 2026-11: from $0.00 to $487.50',
    ],
    [
      'statement-people',
      { account: 'ada', month: '2026-11', counterparty: 'greta', moneyIn: 0, moneyOut: 1_250 },
      {},
      '',
      'Ada has got $0.00 and given $12.50 in 2026-11, with Greta',
    ],
    ['preferences', { id: 'ada', visibility: 'private' }, {}, '', 'What Ada pays and asks for begins private'],
    [
      'spans',
      {
        service: 'gateway:1',
        source: { topic: 'commands', partition: 1, offset: 5 },
        steps: [
          { step: 'received', at: 10 },
          { step: 'answered', at: 13.5 },
        ],
      },
      {},
      '',
      'gateway:1: commands 1:5 received, answered in 3.5 ms',
    ],
    [
      'replies',
      { transferId: 't1-5', balance: 5_000 },
      { ':status': '200', 'streampay-identity': 'greta' },
      '200',
      'Greta is told: paid with t1-5, $50.00 left',
    ],
    [
      'replies',
      { type: 'urn:streampay:problem:insufficient-funds', detail: 'Too little.' },
      { ':status': '409', 'zilla:identity': 'greta', 'idempotency-replayed': 'true' },
      '409',
      'Greta is told: refused, insufficient-funds (Too little.), told again',
    ],
    ['users', { id: 'ada', name: 'Ada Lovelace', username: 'ada' }, {}, '', 'Ada Lovelace is @ada'],
    ['users', null, {}, 'deleted', 'ada is taken out of the directory'],
    [
      'transactions',
      { ...entry, requestId: 'r1-45' },
      {},
      'payment',
      'Greta gives $12.50 to Ada with t1-5, settles r1-45',
    ],
    [
      'transactions',
      { ...entry, account: 'ada', counterparty: 'streampay:treasury', amount: 50_000, kind: 'opening' },
      {},
      'opening',
      'Ada gets $500.00 from StreamPay to open an account with t1-5',
    ],
    [
      'balances',
      { account: 'ada', balance: 51_250, sequence: 2, transferId: 't1-5' },
      {},
      '',
      'Ada has $512.50 after t1-5 (entry 2)',
    ],
    [
      'balance-histories',
      { ...entry, balance: 100, sequence: 3 },
      {},
      'payment',
      'Greta gives $12.50 to Ada, and then has $1.00 (entry 3)',
    ],
    [
      'payment-requests',
      { ...request, status: 'paid', transferId: 't1-5' },
      {},
      'paid',
      'Ada asks Greta for $12.50: r1-45 is paid with t1-5',
    ],
    ['blocked-people', { blocker: 'ada', blocked: 'greta' }, {}, '', 'Ada blocks Greta'],
    [
      'activities',
      { type: 'decline', from: 'greta', to: 'ada', amount: 1_250 },
      {},
      'decline',
      'Greta declined to pay Ada $12.50',
    ],
    ['total-transactions', { count: 1_234, volume: 100_000 }, {}, '', '1,234 payments of $1,000.00 in all'],
    ['average-transactions', { count: 2, mean: 150 }, {}, '', '2 payments of $1.50 on average'],
    [
      'dead-letters',
      {},
      { origin: 'commands/1/5', reason: 'no JSON' },
      '',
      'commands/1/5 could not be processed: no JSON',
    ],
    ['set-aside', { reason: 'broken' }, {}, '', 'ada is left out: broken'],
  ])('of %s: %o', (topic, value, headers, kind, sentence) => {
    const told = record(topic, value, { headers: headers as RecordHeaders })
    expect([kindOf(told), plain(sentenceOf(told, nameOf))]).toEqual([kind, sentence])
  })

  it.each([
    ['commands', { userId: 'ada', amount: '1' }, model('PayCommand')],
    ['commands', { userId: 'ada', amount: 1e300 }, model('PayCommand')],
    ['commands', 'text', model('toString')],
    ['activities', { type: 'constructor', from: 'a', to: 'b', amount: 1 }, {}],
    ['constructor', {}, {}],
    ['streampay-payments-counts-changelog', 3, {}],
  ])('is none where it is not as those of %s are: %o', (topic, value, headers) => {
    expect(sentenceOf(record(topic, value, { headers: headers as RecordHeaders }), nameOf)).toBeUndefined()
  })

  it('shows no invisible characters of a text', () => {
    const hostile = record(
      'commands',
      { userId: 'ada', amount: 1, notes: 'a\u202Eb' },
      { headers: model('PayCommand') },
    )
    expect(sentenceOf(hostile, nameOf)).toContain('a\uFFFDb')
  })
})

it('every topic that is no service’s own has sentences', () => {
  const untold = topics.filter(({ internal, name }) => !internal && !hasSentences(name))
  expect(untold.map(({ name }) => name)).toEqual([])
})
