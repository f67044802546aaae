/** The message that a process sends every 10 s while it writes to a log and compacts it. */
export type CompactionSample = {
  readonly type: 'sample'
  readonly records: number
  readonly figures: Readonly<Record<string, number>>
}
