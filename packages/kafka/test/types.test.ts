import { expect, it } from 'vitest'
import { type Headers, headerText } from '../src/index.ts'

it.each<[string, Headers, string | undefined]>([
  ['is absent', [], undefined],
  ['is null', [['name', null]], undefined],
  ['is there', [['name', Buffer.from('für')]], 'für'],
  [
    'repeats',
    [
      ['name', Buffer.from('first')],
      ['other', null],
      ['name', Buffer.from('last')],
    ],
    'last',
  ],
  [
    'is null at last',
    [
      ['name', Buffer.from('first')],
      ['name', null],
    ],
    undefined,
  ],
])('the text of a header that %s', (_case, headers, text) => {
  expect(headerText(headers, 'name')).toBe(text)
})
