import { problem } from '@streampay/domain'
import { expect, it } from 'vitest'
import { isPaymentOutcome, isRefusal, mayRepeatBeTold, type Told } from './intent.ts'

it.each<[number, unknown, boolean]>([
  [200, { transferId: 't0-1' }, true],
  [409, problem('insufficient-funds', 'Too little.'), true],
  [409, problem('request-closed', 'Closed.'), false],
  [404, problem('unknown-recipient', 'Unknown.'), false],
  [201, {}, false],
  [401, undefined, false],
  [409, 'some text', false],
])('takes %i %o for a payment outcome: %s', (status, body, is) => {
  expect(isPaymentOutcome({ status, body, replayed: false })).toBe(is)
})

it('does not take a problem with the status of another kind for a refusal', () => {
  expect(
    isRefusal({ status: 500, body: problem('request-closed', 'Closed.'), replayed: false }, 'request-closed'),
  ).toBe(false)
})

const done: Told = { status: 200, body: { transferId: 't0-1', balance: 5 }, replayed: false }
const poor: Told = { status: 409, body: problem('insufficient-funds', 'Too little.'), replayed: false }
const closed: Told = { status: 409, body: problem('request-closed', 'Closed.'), replayed: false }
const marked = (told: Told): Told => ({ ...told, replayed: true })

it.each<[string, Told, Told, boolean]>([
  ['what was carried out, marked', done, marked(done), true],
  ['what was carried out, as something new', done, done, false],
  ['another outcome than what was carried out', done, marked({ ...done, body: { transferId: 't0-2' } }), false],
  ['a refusal of what was carried out', done, poor, false],
  ['the same refusal', closed, closed, true],
  ['a refusal as a repetition', closed, marked(closed), false],
  ['that it is done, after it was refused since its request was closed', closed, done, false],
  ['that it is done, after it was refused for want of money', poor, done, true],
  ['a closed request, after a payment of none was refused for want of money', poor, closed, false],
])('of a repeat, judges %s', (_, answer, again, may) => {
  expect(mayRepeatBeTold({ answer, body: {} }, again)).toBe(may)
})

it('lets a repeat find its request closed, once the payment of it was refused for lack of money', () => {
  expect(mayRepeatBeTold({ answer: poor, body: { requestId: 'r0-1' } }, closed)).toBe(true)
})
