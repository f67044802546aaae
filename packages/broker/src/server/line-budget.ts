/**
 * Warnings about what clients do, at most so many a second: what strangers send must not fill the disk or push other lines
 * out of a log that is rotated. What was left out is counted and told at the end of the second.
 */
import type { Schedule } from '../coordinators/schedule.ts'
import type { Logger } from '../logger.ts'

const LINES_PER_SECOND = 10
const SECOND_MS = 1000

export type Warn = (details: object, message: string) => void

export function openLineBudget({ logger, schedule }: { logger: Logger; schedule: Schedule }): Warn {
  let written = 0
  let leftOut = 0
  const endSecond = () => {
    if (leftOut > 0) logger.warn({ leftOut }, 'more lines like these were left out')
    written = 0
    leftOut = 0
  }
  return (details, message) => {
    if (written === 0) schedule(SECOND_MS, endSecond)
    if (written < LINES_PER_SECOND) {
      written++
      logger.warn(details, message)
    } else {
      leftOut++
    }
  }
}
