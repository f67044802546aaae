import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { changed } from './change.ts'
import { follow } from './follow.ts'

describe('a change', () => {
  const text = 'one\ntwo\nthree\ntwo\nfour\n'

  it('puts lines in, takes them out and replaces them, each hunk where its lines stand', () => {
    expect(changed(text, '+zero\n one\n@@\n-three\n+3\n two\n+3.5\n four\n')).toBe(
      'zero\none\ntwo\n3\ntwo\n3.5\nfour\n',
    )
  })

  it.each([
    ['lines that are not there', '-five\n', 'are not in the file:\n  five'],
    ['lines that do not follow one another', ' one\n-three\n', 'are not in the file:\n  one\n  three'],
    ['lines that stand there twice', '-two\n', 'are at 2 places of the file:\n  two'],
    ['lines without a sign', 'one\n', 'begins with a space, "-" or "+": one'],
  ])('of %s is refused', (_, change, message) => {
    expect(() => changed(text, change)).toThrow(message)
  })
})

describe('a guide', () => {
  let copy: string
  beforeEach(() => {
    copy = mkdtempSync(join(tmpdir(), 'guide-'))
    writeFileSync(join(copy, 'word.txt'), 'old\n')
  })
  afterEach(() => rmSync(copy, { recursive: true }))

  const fence = '```'
  const block = (info: string, ...lines: string[]) => [`${fence}${info}`, ...lines, fence].join('\n')
  const test = block('sh fails', 'grep -n new word.txt')
  const change = block('diff word.txt', '-old', '+new')
  const passes = [block('sh', 'grep -n new word.txt'), block('text', '1:n…')]
  const follows = (...parts: string[]) => follow(['# Guide', '## 1. Step', ...parts].join('\n'), copy, () => undefined)

  it('is followed to its end', async () => {
    const made = block('ts apps/some/src/made.ts', 'export {}')
    expect(await follows(test, made, change, ...passes)).toEqual({ steps: 1, sources: ['apps/some/src/made.ts'] })
    expect(readFileSync(join(copy, 'word.txt'), 'utf8')).toBe('new\n')
  })

  it.each([
    ['a test that passes before the change', [change, test], 'succeeds before the change'],
    ['a test that fails after it', [test, ...passes], 'ends with 1'],
    ['a test that is not run after it', [test, change], 'is not run after it: grep'],
    ['no test', [change, ...passes], 'no test fails before the change'],
    [
      'other words than are printed',
      [test, change, block('sh', 'echo a'), block('text', 'b')],
      '"b" is not printed:\na',
    ],
    [
      'words in another order',
      [test, change, block('sh', 'echo a; echo b'), block('text', 'b', 'a')],
      '"a" is not printed',
    ],
    ['a file that is there', [block('ts word.txt', 'new')], 'word.txt is there already'],
    ['a change of none', [block('diff none.txt', '-old')], 'there is no none.txt'],
    ['a change that does not fit', [block('diff word.txt', '-older')], 'word.txt: these lines are not in the file'],
  ])('with %s fails', async (_, parts, message) => {
    await expect(follows(...parts)).rejects.toThrow(message)
  })

  it('that fails says in which step', async () => {
    await expect(follows(block('diff word.txt', '-older'))).rejects.toThrow('1. Step (line 3): word.txt: these lines')
  })

  it.each([['```unknown\n```'], ['```sh\necho']])('that cannot be read is refused: %j', async (text) => {
    await expect(follows(text)).rejects.toThrow('line 3')
  })
})
