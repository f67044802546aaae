import { describe, expect, it } from 'vitest'
import { runIn, smallRepository } from './small-repository.ts'

// Put together here, because this file is looked at, too.
const unfinished = `// TO${'DO'}: later`
const skipped = `it.sk${'ip'}('pays', () => {})`
const silenced = `// @ts-ig${'nore'}`
const clock = `const at = Date.n${'ow'}()`
/** The first row names a test that stands in a.test.ts. */
const findings = ['| 1.1 | a | `a.test.ts` › pays once |', '| 1.2 | b | No test: only words. |']

/** Files of a few lines. */
function sources(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, at) => [`short-${at}.ts`, 'x\n'.repeat(20)]))
}

it('finds what the rules of the repository refuse, each with its line', () => {
  const refused: [place: string, text: string][] = [
    ['a.ts:501', 'x\n'.repeat(501)],
    ['b.ts:2', `\n${unfinished}`],
    ['apps/ui/src/a.vue:1', unfinished],
    ['test/b.test.ts:1', skipped],
    ['packages/a/src/a.ts:1', silenced],
    ['packages/a/src/b.ts:1', clock],
    // Its name only ends like that of a file that reads the clock.
    ['packages/a/src/remain.ts:1', clock],
    ['apps/payments/src/a.ts:2', '\nconst half = amount / 2'],
    ['apps/domain/src/a.ts:1', 'amount /= 2'],
    ['a/package-lock.json:2', '{\n"resolved": "https://example.org/a.tgz" }'],
    ['packages/a/test/support/a.ts:2', '\nafterEach(close)'],
    ['docs/findings.md:3', [...findings, '| 1.3 | names no test | |'].join('\n')],
    ['docs/findings.md:4', '| 1.4 | its test is renamed | `a.test.ts` › pays twice |'],
    ['docs/findings.md:5', '| 1.5 | its file is gone | `gone.test.ts` › pays once |'],
  ]
  const files: Record<string, string> = { 'a.test.ts': "it('pays once')" }
  for (const [place, text] of refused) {
    const [file = ''] = place.split(':')
    files[file] = files[file] === undefined ? text : `${files[file]}\n${text}`
  }
  const { code, faults } = runIn(smallRepository(files), 'tidy.js')
  expect(faults.map((fault) => fault.split(' ')[0]).sort()).toEqual(refused.map(([place]) => place).sort())
  expect(code).toBe(1)
})

it('finds nothing in what the rules of the repository allow', () => {
  const files = {
    ...sources(9),
    'a.ts': 'x\n'.repeat(500),
    'packages/a/test/a.test.ts': `${silenced}\n${clock}`,
    'packages/a/src/clock.ts': clock,
    'packages/a/src/a.ts': `// ${clock}\nconst half = size / 2`,
    'apps/domain/src/money.ts': 'const half = amount / 2',
    'apps/domain/src/a.ts': "const path = 'a/b' // a / b\nconst is = /a/.test(path)",
    'packages/a/test/b.test.ts': 'afterEach(close)',
    'packages/a/test/support/a.ts': 'export function opened() {\n  afterAll(close)\n}',
    'package-lock.json': '{ "integrity": "sha512-a" }',
    'docs/findings.md': findings.join('\n'),
    'a.test.ts': "it('pays once')",
  }
  expect(runIn(smallRepository(files), 'tidy.js')).toEqual({ code: 0, faults: [] })
})

describe('the lengths of files', () => {
  const longer = 'x\n'.repeat(201)

  it('may be above 200 lines for one of ten', () => {
    expect(runIn(smallRepository({ ...sources(18), 'a.ts': longer, 'b.vue': longer }), 'tidy.js')).toEqual({
      code: 0,
      faults: [],
    })
  })

  it('are refused above 200 lines for more of them, with the figure and the files that are the least above it', () => {
    const files = { ...sources(18), 'a.vue': longer, 'test/b.test.ts': 'x\n'.repeat(300), 'c.js': 'x\n'.repeat(250) }
    expect(runIn(smallRepository(files), 'tidy.js')).toEqual({
      code: 1,
      faults: [
        'the 90th percentile of the lengths of files is 201 lines, the limit is 200: too many are longer by 1; just above it are a.vue (201), c.js (250), test/b.test.ts (300)',
      ],
    })
  })

  it('are named for five files, those with the fewest lines above 200', () => {
    const many = Object.fromEntries(
      [207, 203, 206, 201, 205, 204, 202].map((lines) => [`${lines}.ts`, 'x\n'.repeat(lines)]),
    )
    const { faults } = runIn(smallRepository(many), 'tidy.js')
    expect(faults.join()).toContain(
      'is 207 lines, the limit is 200: too many are longer by 7; just above it are 201.ts (201), 202.ts (202), 203.ts (203), 204.ts (204), 205.ts (205)',
    )
    expect(faults).toHaveLength(1)
    expect(faults.join()).not.toContain('206.ts')
  })

  it('count in sources alone, at 200 lines not yet', () => {
    const text = 'x\n'.repeat(300)
    const files = { 'a.ts': 'x\n'.repeat(200), 'b.md': text, 'c.css': text, 'd.json': text, 'e.html': text }
    expect(runIn(smallRepository(files), 'tidy.js')).toEqual({ code: 0, faults: [] })
  })
})
