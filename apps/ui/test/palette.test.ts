import { describe, expect, it } from 'vitest'
import { type PaletteKnown, paletteGroups } from '../src/palette/palette-items.ts'

const uuid = '019a1b2c-3d4e-7f60-8a1b-2c3d4e5f6071'
const pages = [
  { to: '/home', label: 'Home', icon: 'i' },
  { to: '/groups', label: 'Consumer groups', icon: 'i', words: 'console' },
]
const topics = [
  'commands',
  'users',
  'streampay-payments-counts-changelog',
  ...Array.from({ length: 9 }, (_, n) => `t-${n}`),
]
const ada = { id: 'ada', name: 'Ada Lovelace', username: 'ada' }

function found(text: string, more: Partial<PaletteKnown> = {}) {
  const groups = paletteGroups({ text, pages, topics, people: [], seesLog: true, ...more })
  return groups.map(({ name, items }) => [name, ...items.map(({ to }) => to)])
}

describe('the items for a few letters', () => {
  it.each([
    ['', [['Pages', '/home', '/groups']]],
    ['GROUPS', [['Pages', '/groups']]],
    ['console', [['Pages', '/groups']]],
    ['comm', [['Topics', '/topics/commands']]],
    ['t1-45', [['Ids', '/payments/t1-45', '/trace/t1-45']]],
    [' r1-45 ', [['Ids', '/requests/r1-45', '/trace/r1-45']]],
    [uuid, [['Ids', `/trace/${uuid}`]]],
    ['commands/1/45', [['Ids', '/topics/commands?record=1:45']]],
    ['commands 1:45', [['Ids', '/topics/commands?record=1:45']]],
    ['nowhere/1/45', []],
    ['zzz', []],
  ])('%s', (text, expected) => {
    expect(found(text)).toEqual(expected)
  })

  it('have people after the other groups, and a bounded number of topics', () => {
    const groups = found('t', { people: [ada] })
    expect(groups.at(-1)).toEqual(['People', '/send?to=ada'])
    expect(groups.find(([name]) => name === 'Topics')).toHaveLength(7)
  })

  it('have nothing of the log for people who may not see it', () => {
    expect(found('t1-45', { seesLog: false, topics: [] })).toEqual([['Ids', '/payments/t1-45']])
    expect(found(uuid, { seesLog: false, topics: [] })).toEqual([])
    expect(found('commands/1/45', { seesLog: false })).toEqual([])
  })
})
