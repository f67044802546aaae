import { describe, expect, it } from 'vitest'
import { asksForPage, negotiate } from '../src/http/accept.ts'
import { parsePrefer } from '../src/http/prefer.ts'
import { anyMatch, noneMatch } from '../src/shared/entity-tag.ts'

describe('the Prefer header', () => {
  it.each([
    [undefined, { respondAsync: false }],
    ['', { respondAsync: false }],
    ['respond-async', { respondAsync: true }],
    ['Respond-Async', { respondAsync: true }],
    ['respond-async, wait=10', { respondAsync: true, waitSeconds: 10 }],
    ['wait=10, respond-async', { respondAsync: true, waitSeconds: 10 }],
    ['wait = 10 ; foo=bar , respond-async', { respondAsync: true, waitSeconds: 10 }],
    ['wait="7"', { respondAsync: false, waitSeconds: 7 }],
    ['wait=5, wait=9', { respondAsync: false, waitSeconds: 5 }],
    ['wait=-1', { respondAsync: false }],
    ['wait=1e9', { respondAsync: false }],
    ['note="a, respond-async; wait=3"', { respondAsync: false }],
    ['note="a\\", respond-async"', { respondAsync: false }],
    [['return=minimal', 'respond-async'], { respondAsync: true }],
  ])('%j means %j', (header, expected) => {
    expect(parsePrefer(header)).toEqual(expected)
  })
})

describe('entity tags', () => {
  it.each([
    ['"a"', '"a"', false],
    ['W/"a"', '"a"', false],
    ['"b", "a"', '"a"', false],
    ['"b"', '"a"', true],
    ['*', '"a"', false],
    ['*', undefined, true],
    ['"a,b"', '"a,b"', false],
    ['a', '"a"', true],
  ])('If-None-Match: %s against %s holds: %s', (header, current, expected) => {
    expect(noneMatch(header, current)).toBe(expected)
  })

  it.each([
    ['"a"', '"a"', true],
    ['W/"a"', '"a"', false],
    ['"b", "a"', '"a"', true],
    ['*', '"a"', true],
    ['*', undefined, false],
    ['"b"', '"a"', false],
  ])('If-Match: %s against %s holds: %s', (header, current, expected) => {
    expect(anyMatch(header, current)).toBe(expected)
  })
})

describe('the Accept header', () => {
  it.each([
    [undefined, 'json'],
    ['*/*', 'json'],
    ['application/json', 'json'],
    ['text/event-stream', 'stream'],
    ['text/csv', 'csv'],
    ['text/*', 'csv'],
    ['text/*, */*;q=0.1', 'csv'],
    ['text/*;q=0.5, application/json;q=0.4', 'csv'],
    ['*/*, application/json;q=0.1, text/csv;q=0', 'json'],
    ['text/*, text/event-stream', 'stream'],
    ['text/*, text/csv;q=0', 'stream'],
    ['text/*, text/event-stream;q=0.5', 'csv'],
    ['application/json;q=0.1, text/event-stream', 'stream'],
    ['text/event-stream;q=0, application/json', 'json'],
    ['image/png', undefined],
    ['application/json;q=0', undefined],
  ])('%j gets %s', (accept, expected) => {
    expect(negotiate(accept, ['json', 'stream', 'csv'])).toBe(expected)
  })

  it('opens a stream for a range only where nothing else is acceptable', () => {
    expect(negotiate('text/*', ['json', 'stream'])).toBe('stream')
    expect(negotiate('*/*', ['stream'])).toBe('stream')
    expect(negotiate('*/*', ['stream', 'csv'])).toBe('csv')
    expect(negotiate('text/*, text/event-stream;q=0', ['json', 'stream'])).toBeUndefined()
  })

  it('names text/html only when a browser navigates', () => {
    expect(asksForPage('text/html,application/xhtml+xml,*/*;q=0.8')).toBe(true)
    expect(asksForPage('*/*')).toBe(false)
    expect(asksForPage(undefined)).toBe(false)
  })
})
