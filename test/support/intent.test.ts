import { problem } from '@streampay/domain'
import { expect, it } from 'vitest'
import { isPaymentOutcome, isRefusal } from './intent.ts'

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

it('takes a problem with the status of another for no refusal of its kind', () => {
  expect(
    isRefusal({ status: 500, body: problem('request-closed', 'Closed.'), replayed: false }, 'request-closed'),
  ).toBe(false)
})
