import { describe, expect, it } from 'vitest'
import { ProblemError } from '../src/api/http.ts'
import type { Entry, EntryPage } from '../src/api/types.ts'
import { maxStatementEntries, readStatement, StatementTooLongError } from '../src/statement/read-statement.ts'
import { csvText, statementCsv, statementFileName } from '../src/statement/statement-csv.ts'

function entryOf(n: number, amount: number, more: Partial<Entry> = {}): Entry {
  return {
    transferId: `t0-${n}`,
    account: 'ada',
    counterparty: 'grace',
    amount,
    kind: 'payment',
    commandPartition: 0,
    commandOffset: n,
    applied: 'writer',
    at: Date.UTC(2026, 10, 23, 20, 15, n),
    ...more,
  }
}

const people: Record<string, { name: string; username: string }> = {
  grace: { name: 'Grace "Amazing" Hopper', username: 'grace' },
  'streampay:treasury': { name: 'StreamPay', username: 'streampay' },
}
const personOf = (id: string) => people[id] ?? { name: id, username: id }
const opening = entryOf(0, 50_000, { kind: 'opening', counterparty: 'streampay:treasury', transferId: 'opening:ada' })

describe('the statement as a table for people', () => {
  it('has dollars, ISO times, names, the running balance, and marks for every spreadsheet', () => {
    const entries = [opening, entryOf(1, -2_405, { notes: 'Lunch; two\nof us', requestId: 'r1-7' }), entryOf(2, 5)]
    const text = statementCsv({ entries, personOf, isWanted: () => true })
    expect(text.startsWith('\uFEFF')).toBe(true)
    expect(text.slice(1).split('\r\n')).toEqual([
      '"Time (UTC)","Type","Name","Username","Amount (USD)","Balance after (USD)","Note","Account","Transfer id","Request id"',
      '"2026-11-23T20:15:00.000Z","Opening balance","StreamPay","streampay",500.00,500.00,"","streampay:treasury","opening:ada",""',
      '"2026-11-23T20:15:01.000Z","Payment","Grace ""Amazing"" Hopper","grace",-24.05,475.95,"Lunch; two of us","grace","t0-1","r1-7"',
      '"2026-11-23T20:15:02.000Z","Payment","Grace ""Amazing"" Hopper","grace",0.05,476.00,"","grace","t0-2",""',
      '',
    ])
  })

  it('of a period begins with the balance that the entries before it made', () => {
    const text = statementCsv({
      entries: [opening, entryOf(1, -100), entryOf(2, -200)],
      personOf,
      isWanted: ({ transferId }) => transferId === 't0-2',
    })
    const [, ...lines] = text.trimEnd().split('\r\n')
    expect(lines).toEqual([expect.stringContaining(',-2.00,497.00,')])
  })

  it('names its period', () => {
    expect(statementFileName({ from: '2026-05-03', to: '2026-11-28' })).toBe(
      'streampay-statement_2026-05-03_2026-11-28.csv',
    )
  })

  // Once only the first character was looked at, and only of the plain signs.
  it.each([
    ['=1+1', `"'=1+1"`],
    ['+1', `"'+1"`],
    ['-1', `"'-1"`],
    ['@SUM(A1)', `"'@SUM(A1)"`],
    ['＝1+1', `"'＝1+1"`],
    ['＋1', `"'＋1"`],
    ['－1', `"'－1"`],
    ['＠SUM', `"'＠SUM"`],
    ['rent;=1+1', `"rent;'=1+1"`],
    ['rent,=1+1', `"rent,'=1+1"`],
    ['rent|@x', `"rent|'@x"`],
    ['rent; =1+1', `"rent; '=1+1"`],
    ['rent;"=1+1"', `"rent;""'=1+1"""`],
    ['rent\t=1+1', `"rent =1+1"`],
    ['\n=1+1', `" '=1+1"`],
    ['\r\n=1+1', `" '=1+1"`],
    ['\t=1+1', `" '=1+1"`],
    ['two\nlines', '"two lines"'],
    ['a; b, c', '"a; b, c"'],
    ['1-2=3', '"1-2=3"'],
    ['say "hi"', '"say ""hi"""'],
  ])('keeps %j a text', (text, field) => {
    expect(csvText(text)).toBe(field)
  })
})

/** A gateway that gives these pages, and pauses where told. */
function gatewayOf(pages: readonly (EntryPage | ProblemError)[]) {
  const paths: string[] = []
  const left = [...pages]
  const getJson = async <Value>(path: string): Promise<Value> => {
    paths.push(path)
    const next = left.shift()
    if (next === undefined) throw new Error('there is no more')
    if (next instanceof ProblemError) throw next
    return next as Value
  }
  return { paths, http: { getJson } }
}

describe('reading the whole statement', () => {
  const slower = (ms?: number) => new ProblemError({ type: 'about:blank', status: 429 }, ms)

  it('goes through all pages, and gives the oldest entry first', async () => {
    const { http, paths } = gatewayOf([
      { items: [entryOf(2, 1), entryOf(1, 1)], before: 'c1' },
      { items: [opening], before: null },
    ])
    const entries = await readStatement({ http, wait: async () => {} })
    expect(entries.map(({ transferId }) => transferId)).toEqual(['opening:ada', 't0-1', 't0-2'])
    expect(paths).toEqual(['/transactions?limit=1000', '/transactions?limit=1000&before=c1'])
  })

  it('waits as long as it is told when it is too fast, at the first page too, and loses nothing', async () => {
    const waited: number[] = []
    const wait = async (ms: number) => void waited.push(ms)
    const { http } = gatewayOf([
      slower(3_000),
      { items: [entryOf(1, 1)], before: 'c1' },
      slower(2_000),
      { items: [opening], before: null },
    ])
    expect(await readStatement({ http, wait })).toHaveLength(2)
    expect(waited).toEqual([3_000, 2_000])
  })

  it('tells a refusal that no waiting ends, and one that asks for too long a pause', async () => {
    for (const refusal of [slower(), slower(3_600_000)]) {
      const { http } = gatewayOf([refusal])
      await expect(readStatement({ http, wait: async () => {} })).rejects.toBe(refusal)
    }
  })

  it('stops beyond its bound', async () => {
    const items = Array.from({ length: maxStatementEntries / 2 }, (_, n) => entryOf(n, 1))
    const full = gatewayOf([
      { items, before: 'c1' },
      { items, before: null },
    ])
    expect(await readStatement({ http: full.http, wait: async () => {} })).toHaveLength(maxStatementEntries)
    const { http } = gatewayOf([
      { items, before: 'c1' },
      { items: [...items, opening], before: null },
    ])
    await expect(readStatement({ http, wait: async () => {} })).rejects.toThrow(StatementTooLongError)
  })
})
