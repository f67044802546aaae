import { describe, expect, it } from 'vitest'
import { runIn, smallRepository } from './small-repository.ts'

const fence = '```'
const guide = `# Guide\n\n## First step\n\n## The \`call\` and [a link](https://example.org)\n\n## Again\n\n## Again\n`

/** What is wrong with a document that stands in a folder beside others. */
function faultsOf(text: string, others: Readonly<Record<string, string>> = {}) {
  const files = { 'docs/where.md': '', 'docs/guide.md': guide, 'docs/page.md': text, 'src/a.ts': '', ...others }
  return runIn(smallRepository(files), 'links.js')
}

describe('the check of links accepts', () => {
  it.each([
    ['a file beside the document', '[guide](guide.md)'],
    ['a file of another folder', '[source](../src/a.ts)'],
    ['a folder', '[sources](../src)'],
    ['a heading', '[step](guide.md#first-step)'],
    ['a heading with code and a link in it', '[call](guide.md#the-call-and-a-link)'],
    ['the second heading of one name', '[again](guide.md#again-1)'],
    ['a heading of the document itself', '# Here\n\n[here](#here)'],
    ['another origin, which it does not ask', '[site](https://example.org/nowhere)'],
    ['what looks like a link in a code block', `${fence}md\n[gone](gone.md)\n${fence}`],
  ])('%s', (_, text) => {
    expect(faultsOf(text)).toEqual({ code: 0, faults: [] })
  })
})

describe('the check of links finds', () => {
  it.each([
    ['a file that is not there', '[gone](gone.md)', 'docs/page.md:1 there is no docs/gone.md'],
    ['a file that stands in another folder', '[source](src/a.ts)', 'docs/page.md:1 there is no docs/src/a.ts'],
    ['the second link of a line', '[a](guide.md) [b](gone.md)', 'docs/page.md:1 there is no docs/gone.md'],
    ['a picture that is not there', '\n![picture](gone.png)', 'docs/page.md:2 there is no docs/gone.png'],
    [
      'a heading that is not there',
      '[step](guide.md#second-step)',
      'docs/page.md:1 docs/guide.md has no heading #second-step',
    ],
    [
      'a third heading where there are two of one name',
      '[again](guide.md#again-2)',
      'docs/page.md:1 docs/guide.md has no heading #again-2',
    ],
    ['a heading that it does not have itself', '[here](#here)', 'docs/page.md:1 docs/page.md has no heading #here'],
    [
      'a heading that stands in a code block only',
      `${fence}sh\n# Here\n${fence}\n[here](#here)`,
      'docs/page.md:4 docs/page.md has no heading #here',
    ],
    [
      'a link behind a code block, with its line',
      `${fence}\ncode\n${fence}\n[gone](gone.md)`,
      'docs/page.md:4 there is no docs/gone.md',
    ],
  ])('%s', (_, text, fault) => {
    expect(faultsOf(text)).toEqual({ code: 1, faults: [fault] })
  })

  it('faults of documents in folders below', () => {
    expect(faultsOf('', { 'packages/a/README.md': '[gone](src/gone.ts)' })).toEqual({
      code: 1,
      faults: ['packages/a/README.md:1 there is no packages/a/src/gone.ts'],
    })
  })
})

describe('the check of names in docs/where.md', () => {
  const sources = { 'src/a.ts': 'export function pay() {}', 'src/b.ts': 'class A { #held = 1 }' }

  it.each([
    ['a name that stands in the file', '1. `pay` in [a](../src/a.ts)', []],
    ['a private member', '1. `#held` in [b](../src/b.ts)', []],
    ['a name in one of two files', '1. `pay` in [b](../src/b.ts) or\n   [a](../src/a.ts)', []],
    ['a name outside of steps', 'What `refund` does.', []],
    ['a name that stands nowhere', '1. `refund` in [a](../src/a.ts)', ['docs/where.md: `refund` is not in src/a.ts']],
    [
      'a name on the second line of a step',
      '1. In [a](../src/a.ts)\n   there is `refund`',
      ['docs/where.md: `refund` is not in src/a.ts'],
    ],
    [
      'a name of the file of another step',
      '1. See [a](../src/a.ts)\n2. `pay` in [b](../src/b.ts)',
      ['docs/where.md: `pay` is not in src/b.ts'],
    ],
  ])('looks at %s', (_, text, faults) => {
    expect(faultsOf('', { ...sources, 'docs/where.md': text })).toEqual({ code: faults.length === 0 ? 0 : 1, faults })
  })
})
