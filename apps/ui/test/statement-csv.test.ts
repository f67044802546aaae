import { describe, expect, it } from 'vitest'
import { ProblemError } from '../src/api/http.ts'
import type { Entry, EntryPage, Statement } from '../src/api/types.ts'
import {
  maxStatementEntries,
  readStatement,
  StatementMovesError,
  StatementTooLongError,
} from '../src/statement/read-statement.ts'
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
    const entries = [
      opening,
      entryOf(1, -2_405, { notes: 'Lunch; two\nof us', requestId: 'r1-7' }),
      entryOf(2, 5, { visibility: 'private' }),
    ]
    const text = statementCsv({ entries, personOf, opening: 0 })
    expect(text.startsWith('\uFEFF')).toBe(true)
    expect(text.slice(1).split('\r\n')).toEqual([
      '"Time (UTC)","Type","Name","Username","Amount (USD)","Balance after (USD)","Note","Account","Transfer id","Request id","Visibility"',
      '"2026-11-23T20:15:00.000Z","Opening balance","StreamPay","streampay",500.00,500.00,"","streampay:treasury","opening:ada","",""',
      '"2026-11-23T20:15:01.000Z","Payment","Grace ""Amazing"" Hopper","grace",-24.05,475.95,"Lunch; two of us","grace","t0-1","r1-7","public"',
      '"2026-11-23T20:15:02.000Z","Payment","Grace ""Amazing"" Hopper","grace",0.05,476.00,"","grace","t0-2","","private"',
      '',
    ])
  })

  it('of a period begins with its opening balance', () => {
    const text = statementCsv({ entries: [entryOf(2, -200)], opening: 49_900, personOf })
    const [, ...lines] = text.trimEnd().split('\r\n')
    expect(lines).toEqual([expect.stringContaining(',-2.00,497.00,')])
  })

  it('names its period', () => {
    const period = { from: '2026-05', to: '2026-11' }
    expect(statementFileName(period)).toBe('streampay-statement_2026-05_2026-11.csv')
    expect(statementFileName(period, 'raw')).toBe('streampay-statement-raw_2026-05_2026-11.csv')
  })

  // Only the first character was compared, and only with the ASCII signs.
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

const period = { from: '2026-10', to: '2026-11' }
const times = `from=${Date.UTC(2026, 9)}&to=${Date.UTC(2026, 11)}`

function monthOf(month: string, change: Partial<Statement>): Statement {
  const sums = { moneyIn: 0, moneyOut: 0, countIn: 0, countOut: 0, sequence: 1 }
  return { account: 'ada', month, opening: 0, closing: 0, ...sums, ...change }
}
/** The figures of these entries, in November. */
function figuresOf(entries: readonly Entry[]): Statement[] {
  const sum = entries.reduce((total, { amount }) => total + amount, 0)
  return [monthOf('2026-11', { opening: 10, closing: 10 + sum, moneyIn: sum, countIn: entries.length })]
}

/**
 * A gateway that gives these pages, and asks for pauses where the test says; its figures are the next of a list, and then always the last.
 */
function gatewayOf(pages: readonly (EntryPage | ProblemError)[], figures: readonly (readonly Statement[])[]) {
  const paths: string[] = []
  const left = [...pages]
  const told = [...figures]
  const getJson = async <Value>(path: string): Promise<Value> => {
    if (path === '/statements') return (told.length > 1 ? told.shift() : told[0]) as Value
    paths.push(path)
    const next = left.shift()
    if (next === undefined) throw new Error('there is no more')
    if (next instanceof ProblemError) throw next
    return next as Value
  }
  return { paths, http: { getJson } }
}

describe('reading the whole statement of a period', () => {
  const slower = (ms?: number) => new ProblemError({ type: 'about:blank', status: 429 }, ms)
  const three = [opening, entryOf(1, 1), entryOf(2, 1)]
  const pagesOfThree: EntryPage[] = [
    { items: [entryOf(2, 1), entryOf(1, 1)], before: 'c1' },
    { items: [opening], before: null },
  ]
  const wait = async () => {}

  it('reads all pages, gives the oldest entry first, and the figures of exactly these', async () => {
    const { http, paths } = gatewayOf(pagesOfThree, [figuresOf(three)])
    const progress: number[][] = []
    const onProgress = (read: number, all: number) => void progress.push([read, all])
    const { entries, figures } = await readStatement({ http, wait, period, onProgress })
    expect(entries.map(({ transferId }) => transferId)).toEqual(['opening:ada', 't0-1', 't0-2'])
    expect(figures).toMatchObject({ opening: 10, closing: 50_012, countIn: 3 })
    expect(paths).toEqual([`/transactions?limit=1000&${times}`, `/transactions?limit=1000&${times}&before=c1`])
    expect(progress).toEqual([
      [0, 3],
      [2, 3],
      [3, 3],
    ])
  })

  it('waits as long as the gateway asks for when it is too fast, at the first page too, and loses nothing', async () => {
    const waited: number[] = []
    const [first, second] = pagesOfThree
    const { http } = gatewayOf([slower(3_000), first!, slower(2_000), second!], [figuresOf(three)])
    const { entries } = await readStatement({ http, wait: async (ms) => void waited.push(ms), period })
    expect(entries).toHaveLength(3)
    expect(waited).toEqual([3_000, 2_000])
  })

  it('reads again when an entry comes meanwhile that the figures do not count yet', async () => {
    const old = figuresOf(three.slice(0, 2))
    const { http } = gatewayOf([...pagesOfThree, ...pagesOfThree], [old, old, figuresOf(three)])
    const { figures } = await readStatement({ http, wait, period })
    expect(figures.countIn).toBe(3)
  })

  it('gives nothing rather than figures that are not those of the entries', async () => {
    const pages = Array.from({ length: 5 }, () => pagesOfThree).flat()
    const { http } = gatewayOf(pages, [figuresOf(three.slice(0, 2))])
    await expect(readStatement({ http, wait, period })).rejects.toThrow(StatementMovesError)
  })

  it('throws a refusal that no waiting ends, and one that asks for too long a pause', async () => {
    for (const refusal of [slower(), slower(3_600_000)]) {
      const { http } = gatewayOf([refusal], [figuresOf(three)])
      await expect(readStatement({ http, wait, period })).rejects.toBe(refusal)
    }
  })

  it('stops beyond its bound, before it has read too many entries', async () => {
    const { http } = gatewayOf(pagesOfThree, [figuresOf(three)])
    expect((await readStatement({ http, wait, period, maxEntries: 3 })).entries).toHaveLength(3)
    const tooMany = gatewayOf(pagesOfThree, [figuresOf(three)])
    await expect(readStatement({ http: tooMany.http, wait, period, maxEntries: 2 })).rejects.toThrow(
      StatementTooLongError,
    )
    expect(tooMany.paths).toEqual([])
    const many = [monthOf('2026-11', { countIn: maxStatementEntries + 1 })]
    await expect(readStatement({ http: gatewayOf([], [many]).http, wait, period })).rejects.toThrow('200000')
  })
})
