/** The message of a process that opened a log and read from it; times in ms, of all partitions together and of the longest. */
export type LogReads = {
  readonly type: 'done'
  readonly openMs: number
  readonly endMs: number
  readonly endMostMs: number
  readonly middleMs: number
  readonly middleMostMs: number
}
