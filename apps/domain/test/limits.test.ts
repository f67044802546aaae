import { describe, expect, it } from 'vitest'
import {
  activity,
  entry,
  matches,
  maxIdLength,
  maxTransferIdLength,
  openingTransferId,
  paymentRequest,
  requestIdOf,
  transferIdOf,
} from '../src/index.ts'

const id = 'x'.repeat(maxIdLength)
const at = { partition: 0x7fff_ffff, offset: Number.MAX_SAFE_INTEGER }

// The transfer id of an account with a long id exceeded the limit of its entry.
describe('lengths that add up', () => {
  const opening = {
    transferId: openingTransferId(id),
    account: id,
    counterparty: 'streampay:treasury',
    amount: 50_000,
    kind: 'opening',
    commandPartition: at.partition,
    commandOffset: at.offset,
    applied: 'writer',
    at: 0,
  }

  it('fit at the longest id: an opening, and one character more does not', () => {
    expect(openingTransferId(id)).toHaveLength(maxTransferIdLength)
    expect(matches(entry, opening)).toBe(true)
    expect(matches(entry, { ...opening, transferId: openingTransferId(`${id}x`) })).toBe(false)
    expect(matches(entry, { ...opening, account: `${id}x` })).toBe(false)
  })

  it('fit at the largest coordinates: ids of transfers and requests', () => {
    expect(matches(entry, { ...opening, transferId: transferIdOf(at), requestId: requestIdOf(at) })).toBe(true)
    const request = { id: requestIdOf(at), requester: id, debtor: id, amount: 1, status: 'open', createdAt: 0 }
    expect(matches(paymentRequest, { ...request, transferId: openingTransferId(id) })).toBe(true)
  })

  it('fit for people without a name, who are named by their id', () => {
    const event = {
      id: transferIdOf(at),
      type: 'payment',
      from: id,
      fromName: id,
      to: id,
      toName: id,
      amount: 1,
      at: 0,
    }
    expect(matches(activity, event)).toBe(true)
    expect(matches(activity, { ...event, fromName: `${id}x` })).toBe(false)
  })
})
