/** The progress of long work. On a terminal one line that is rewritten; elsewhere a line every ten seconds. */

/**
 * Reports progress: the work in words, the finished amount, and the whole.
 * @param all 0 if it is not known
 */
export type Progress = (what: string, done: number, all: number) => void

/** A stream such as `process.stderr`. */
export type ProgressOutput = {
  /** Whether it is a terminal. Default false. */
  readonly isTTY?: boolean
  /** Gets whole lines; on a terminal, text that replaces the present line. What it returns is not used. */
  write(text: string): unknown
}

const rewriteEveryMs = 200
const lineEveryMs = 10_000

/**
 * On a terminal one line, rewritten at most five times a second and cleared by `end`; elsewhere a line every ten seconds.
 * `nowMs` is any clock in milliseconds.
 * @example
 * ```ts
 * import { progressTo } from '@streampay/process'
 *
 * let nowMs = 0
 * const { told, end } = progressTo({ write: (text) => console.log(text.trim()) }, () => nowMs)
 * told('reading', 1, 4)
 * nowMs = 10_000
 * told('reading', 2, 4) // → reading: 50 % of 4
 * end()
 * ```
 */
export function progressTo(output: ProgressOutput, nowMs: () => number): { told: Progress; end: () => void } {
  const everyMs = output.isTTY === true ? rewriteEveryMs : lineEveryMs
  let last = output.isTTY === true ? Number.NEGATIVE_INFINITY : nowMs()
  let shown = false
  return {
    told(what, done, all) {
      if (nowMs() - last < everyMs) return
      last = nowMs()
      const share = all > 0 ? `: ${Math.min(100, Math.floor((100 * done) / all))} % of ${all}` : ''
      if (output.isTTY !== true) output.write(`${what}${share}\n`)
      else {
        output.write(`\r\x1b[2K${what}${share}`)
        shown = true
      }
    },
    end() {
      if (shown) output.write('\r\x1b[2K')
      shown = false
    },
  }
}
