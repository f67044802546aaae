/**
 * Warnings about clients, at most a fixed number per second: lines that clients cause must not fill the disk or push other lines
 * out of a rotated log. The number of dropped lines is logged at the end of the second.
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
