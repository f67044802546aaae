/** `pay --explain`: payments one by one through all processes, each step as a waterfall, and the cost of a payment on the log. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Run } from '../harness/scenario.ts'
import { root } from '../support/services.ts'
import { folderVariable, momentsIn } from './moments-of.ts'
import { costsOf, type StepSpread, spreadOf, spreadsOf, waysOf } from './ways.ts'

/** @param pay starts the application with this environment, pays one by one, stops it, and returns the client's times, in ms */
export async function explain(
  run: Run,
  pay: (env: Readonly<Record<string, string>>) => Promise<readonly number[]>,
): Promise<void> {
  mkdirSync(join(run.scratch, 'work'), { recursive: true })
  const folder = mkdtempSync(join(run.scratch, 'work/moments-'))
  const tap = pathToFileURL(join(root, 'bench/explain/tap.ts'))
  try {
    const tookMs = await pay({ [folderVariable]: folder, NODE_OPTIONS: `--import ${tap}` })
    const moments = momentsIn(folder)
    const ways = waysOf(moments)
    const [firstWay, lastWay] = [ways[0], ways.at(-1)]
    if (firstWay === undefined || lastWay === undefined)
      throw new Error('no payment was observed from request to answer')
    const { steps, all } = spreadsOf(ways)
    run.print(`${ways.length} payments, one after the other; ms, p50 and p99 of each step`)
    let sum = 0
    for (const step of steps) {
      run.print(lineOf(step, { from: sum, of: all.p50Ms }))
      sum += step.p50Ms
    }
    for (const spread of [all, spreadOf('as the client sees it', tookMs)]) run.print(lineOf(spread))
    const asked = moments.filter(({ step, at }) => step === 'asked' && at >= firstWay.asked && at <= lastWay.asked)
    const during = moments.filter(({ at }) => at >= firstWay.asked && at <= lastWay.answered)
    run.print('What a payment costs the log, including its credit and the statistics:')
    for (const { what, number, parts } of costsOf(during, asked.length)) {
      run.print(`${number.toFixed(2).padStart(9)}  ${what}`)
      for (const [part, share] of [...parts].sort(([, a], [, b]) => b - a)) {
        run.print(`${share.toFixed(2).padStart(18)}  ${part}`)
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const width = 40

/** With a bar for its share of the whole, if it has one. */
function lineOf({ title, p50Ms, p99Ms }: StepSpread, bar?: { readonly from: number; readonly of: number }): string {
  const cell = (ms: number) => Math.min(width, Math.round((ms / (bar?.of ?? 1)) * width))
  const drawn = bar === undefined ? '' : '█'.repeat(Math.max(1, cell(bar.from + p50Ms) - cell(bar.from)))
  const before = bar === undefined ? '' : ' '.repeat(Math.min(cell(bar.from), width - 1))
  return `${p50Ms.toFixed(2).padStart(8)} ${p99Ms.toFixed(2).padStart(8)}  ${`${before}${drawn}`.padEnd(width)}  ${title}`
}
