// A reporter for Vitest: the ten files that took longest, so that a change that slows `npm test` down is noticed.
import { relative } from 'node:path'

const shown = 10

export default class Slowest {
  onTestRunEnd(modules) {
    if (modules.length <= shown) return
    const slowest = modules
      .map((module) => ({ file: relative(process.cwd(), module.moduleId), ms: module.diagnostic().duration }))
      .sort((left, right) => right.ms - left.ms)
      .slice(0, shown)
    console.log('\n The slowest files, seconds of their tests:')
    for (const { file, ms } of slowest) console.log(`${(ms / 1000).toFixed(1).padStart(8)}  ${file}`)
  }
}
