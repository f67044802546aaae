/**
 * A process that opens a log and reads each partition for the first time, at its end and in its middle.
 *
 *     log-read-main.ts <folder>
 */
import type { Partition } from '../../packages/broker/src/log/index.ts'
import { openLog, partitionsOf } from '../support/log-layer.ts'
import type { LogReads } from './log-reads.ts'

const [, , folder = ''] = process.argv
await read()

async function read(): Promise<void> {
  const began = performance.now()
  const storage = await openLog(folder)
  const openMs = performance.now() - began
  const ends: number[] = []
  const middles: number[] = []
  for (const partition of partitionsOf(storage)) {
    ends.push(await timeOfRead(partition, Math.max(0, partition.highWatermark - 50)))
    middles.push(await timeOfRead(partition, Math.floor(partition.highWatermark / 2)))
  }
  const most = (times: readonly number[]) => Math.max(0, ...times)
  const sum = (times: readonly number[]) => times.reduce((total, time) => total + time, 0)
  const done: LogReads = {
    type: 'done',
    openMs,
    endMs: sum(ends),
    endMostMs: most(ends),
    middleMs: sum(middles),
    middleMostMs: most(middles),
  }
  process.send?.(done)
  // Asked what it took before it is told to end.
  process.once('disconnect', () => process.exit(0))
}

async function timeOfRead(partition: Partition, offset: number): Promise<number> {
  const began = performance.now()
  await partition.read({ offset, maxBytes: 65_536, isolation: 'read_committed', minOneBatch: true })
  return performance.now() - began
}
