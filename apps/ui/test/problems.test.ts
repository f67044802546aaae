import { type ProblemSlug, problem, problems } from '@streampay/domain'
import { describe, expect, it } from 'vitest'
import { ProblemError } from '../src/api/http.ts'
import { stillUnknownWords, wordsFor, wordsOf } from '../src/api/problems.ts'

describe('problems in words', () => {
  it.each(Object.keys(problems) as ProblemSlug[])('has words of its own for %s', (slug) => {
    const { title, detail } = wordsFor(problem(slug, 'the detail of a developer'))
    expect(title).toMatch(/^[A-Z]/)
    expect(detail.length).toBeGreaterThan(10)
    expect(`${title} ${detail}`).not.toMatch(/urn:|JSON|undefined|null|\{/)
  })

  it('names what is available', () => {
    expect(wordsFor(problem('insufficient-funds', '', { available: 123_456 })).detail).toContain('$1,234.56')
  })

  it('names the amount that was asked for', () => {
    expect(wordsFor(problem('amount-differs', '', { expected: 2_450 })).detail).toContain('$24.50')
  })

  it.each([
    ['paid', 'paid already'],
    ['declined', 'declined'],
    ['cancelled', 'withdrawn'],
  ])('tells how a request was closed: %s', (requestStatus, words) => {
    expect(wordsFor(problem('request-closed', '', { requestStatus })).detail).toContain(words)
  })

  it('names every field of a malformed body', () => {
    const errors = [
      { field: 'amount', message: 'must be at least 1 cent' },
      { field: 'userId', message: 'is required' },
    ]
    expect(wordsFor(problem('malformed-body', '', { errors })).detail).toBe(
      'amount must be at least 1 cent; userId is required',
    )
  })

  it('names the pause that a 429 asks for', () => {
    const error = new ProblemError(problem('too-many-requests', ''), 90_000)
    expect(wordsOf(error).detail).toContain('in 90 s')
    expect(wordsOf(new ProblemError(problem('too-many-requests', ''))).detail).not.toContain('It is possible')
    expect(wordsOf(new TypeError('Failed to fetch')).title).toBe('Can’t reach StreamPay')
  })

  // "Nothing was sent" was said of a payment whose first request may have been taken.
  it('does not say that nothing was sent while an earlier sending may have been taken', () => {
    for (const slug of ['too-many-requests', 'log-unavailable', 'try-again'] as const) {
      const { detail } = stillUnknownWords(problem(slug, ''))
      expect(detail).not.toContain('Nothing was sent')
      expect(detail).toContain('may have gone through')
    }
  })

  it('uses the status for a type that it does not know', () => {
    expect(wordsFor({ type: 'urn:streampay:problem:of-the-future', status: 503 }).title).toBe('Not available')
    expect(wordsFor({ type: 'about:blank', status: 502 }).title).toBe('That didn’t work')
    expect(wordsFor({ type: 'about:blank', status: 418, title: 'I am a teapot' }).detail).toBe('I am a teapot')
  })
})
