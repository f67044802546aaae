import { maxAmountCents, maxNotesLength } from '@streampay/domain'
import decodeQR from 'qr/decode.js'
import { describe, expect, it } from 'vitest'
import { formQueryOf, payLinkOf, readLink } from '../src/pay-link/pay-link.ts'
import { pathOf, type QrCode, qrCodeOf } from '../src/pay-link/qr-code.ts'

const origin = 'https://localhost:9090'
const queryOf = (link: string) => Object.fromEntries(new URL(link).searchParams)

describe('a pay link', () => {
  it.each([
    [{ id: 'ada' }, '/pay/ada', {}],
    [{ id: 'ada', cents: 1_250, note: 'Lunch' }, '/pay/ada?amount=12.50&note=Lunch', { cents: 1_250, note: 'Lunch' }],
    [{ id: 'auth0|a/b?c', cents: 5 }, '/pay/auth0%7Ca%2Fb%3Fc?amount=0.05', { cents: 5 }],
    [
      { id: 'ada', note: ' Kaffee & Kuchen ☕ ' },
      '/pay/ada?note=Kaffee+%26+Kuchen+%E2%98%95',
      { note: 'Kaffee & Kuchen ☕' },
    ],
    [{ id: 'ada', cents: maxAmountCents }, '/pay/ada?amount=10000000.00', { cents: maxAmountCents }],
  ])('of %j is %s, and says the same when it is read', (said, path, read) => {
    const link = payLinkOf(origin, said)
    expect(link).toBe(`${origin}${path}`)
    expect(decodeURIComponent(new URL(link).pathname.slice('/pay/'.length))).toBe(said.id)
    expect(readLink(queryOf(link))).toEqual({ cents: undefined, note: undefined, ...read })
  })

  it.each([
    '',
    '0',
    '0.00',
    '-5',
    '1e3',
    '12,50',
    '1,250.00',
    '12.505',
    '.50',
    '12.',
    ' 12',
    '$12',
    '10000000.01',
    '99999999999999999999',
    'lunch',
  ])('with the amount "%s" is refused: an address has one way to write an amount', (amount) => {
    expect(readLink({ amount })).toEqual({ fault: 'amount' })
  })

  it('is refused with an amount twice, without a value, or with a note that no payment can have', () => {
    expect(readLink({ amount: ['1', '2'] })).toEqual({ fault: 'amount' })
    expect(readLink({ amount: null })).toEqual({ fault: 'amount' })
    expect(readLink({ note: ['a', 'b'] })).toEqual({ fault: 'note' })
    expect(readLink({ note: '☕'.repeat(maxNotesLength) })).toEqual({ note: '☕'.repeat(maxNotesLength) })
    expect(readLink({ note: 'x'.repeat(maxNotesLength + 1) })).toEqual({ fault: 'note' })
  })

  it('hands the form who, how much and what for, and nothing else', () => {
    const query = { amount: '1', note: 'n', mode: 'request', request: 'r0-1', to: 'eve' }
    expect(formQueryOf('ada', query)).toEqual({ to: 'ada', amount: '1', note: 'n', link: null })
  })
})

describe('a QR code', () => {
  it('scans as the link that it was made of, with a quiet zone around it', async () => {
    const link = payLinkOf(origin, { id: 'ada', cents: 1_250, note: 'Kaffee & Kuchen ☕' })
    const code = (await qrCodeOf(link)) ?? []
    expect(code.slice(0, 4).flat()).not.toContain(true)
    expect(read(code)).toBe(link)
  })

  it('is drawn as runs of dark modules', () => {
    expect(pathOf([[true, true, false], [false, false, true], []])).toBe('M0 0h2v1h-2zM2 1h1v1h-1z')
  })

  it('can be made of 2,331 bytes, and of no more', async () => {
    expect(await qrCodeOf('x'.repeat(2_331))).toHaveLength(177 + 8)
    expect(await qrCodeOf('x'.repeat(2_332))).toBeUndefined()
  })
})

/** The code as a camera sees it: three pixels for a module. */
function read(code: QrCode): string {
  const scale = 3
  const side = code.length * scale
  const data = new Uint8ClampedArray(side * side * 4).fill(255)
  for (let y = 0; y < side; y += 1) {
    for (let x = 0; x < side; x += 1) {
      if (code[Math.floor(y / scale)]?.[Math.floor(x / scale)] === true)
        data.fill(0, (y * side + x) * 4, (y * side + x) * 4 + 3)
    }
  }
  return decodeQR({ width: side, height: side, data })
}
