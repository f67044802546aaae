import { describe, expect, it } from 'vitest'
import { requestFrom } from '../src/options.ts'

const now = Date.UTC(2026, 10, 5, 12)
const request = (...args: string[]) => requestFrom(args, now)

describe('the command line', () => {
  it('chooses letters by name or by filters', () => {
    expect(request('replay', '2/17', '0/3', '2/17', '--yes', '--wait', '0')).toMatchObject({
      action: 'replay',
      ids: [
        { partition: 2, offset: 17 },
        { partition: 0, offset: 3 },
      ],
      yes: true,
      waitMs: 0,
    })
    expect(
      request('list', '--origin', 'commands/2', '--since', '90m', '--until', '2026-11-05T11:00:00Z'),
    ).toMatchObject({
      ids: [],
      filter: { origin: 'commands/2', since: now - 90 * 60_000, until: now - 60 * 60_000 },
      limit: 100,
      yes: false,
    })
    expect(request('replay', '--help')).toBe('help')
  })

  it.each([
    [[], 'Give an action: list, show or replay.'],
    [['drop'], 'There is no command "drop".'],
    [['replay'], 'Choose letters'],
    [['replay', '--yes'], 'Choose letters'],
    [['replay', '2/17', '--reason', 'x'], 'not both'],
    [['list', '2/17'], 'list takes filters'],
    [['show', '2-17'], '"2-17" is not a letter'],
    [['list', '--origin', 'a b'], '--origin "a b"'],
    [['list', '--since', 'yesterday'], '--since "yesterday" is neither a time'],
    [['list', '--limit', '0'], 'from 1 to 1000'],
    [['list', '--wait', '61'], 'from 0 to 60'],
    [['list', '--force'], '--force'],
  ])('%j is refused', (args, message) => {
    expect(() => request(...args)).toThrow(message)
  })
})
