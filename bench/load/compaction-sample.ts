/** What a process tells every 10 s that writes to a log and compacts it. */
export type CompactionSample = {
  readonly type: 'sample'
  readonly records: number
  readonly figures: Readonly<Record<string, number>>
}
