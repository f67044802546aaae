import { describe, expect, it } from 'vitest'
import { progressTo } from '../src/progress.ts'

describe('progressTo', () => {
  function output(isTTY: boolean) {
    const written: string[] = []
    let now = 0
    const progress = progressTo({ isTTY, write: (text) => written.push(text) }, () => now)
    return { written, ...progress, pass: (ms: number) => (now += ms) }
  }

  it('rewrites one line on a terminal, five times a second, and removes it at the end', () => {
    const { written, told, end, pass } = output(true)
    for (let done = 0; done < 1_000; done += 100) {
      told('reading balances', done, 1_000)
      pass(100)
    }
    end()
    expect(written).toHaveLength(6)
    expect(written[1]).toBe('\r\x1b[2Kreading balances: 20 % of 1000')
    expect(written.at(-1)).toBe('\r\x1b[2K')
  })

  it('writes a line every ten seconds elsewhere, and none for what is short', () => {
    const { written, told, end, pass } = output(false)
    told('reading balances', 0, 0)
    pass(9_999)
    told('reading balances', 5, 10)
    expect(written).toEqual([])
    pass(1)
    told('reading replies', 0, 0)
    told('reading replies', 1, 10)
    end()
    expect(written).toEqual(['reading replies\n'])
  })
})
