/** What must have happened in a run before its result counts. */
export type Coverage = {
  /** Faults of the nemesis; undefined in a run without faults. */
  readonly faults: number | undefined
  /** Payments that were acknowledged, and commands that were refused. */
  readonly acknowledged: number
  readonly refused: number
  /** Commands that were sent again after their answer. */
  readonly repeats: number
  readonly streamEvents: number
  /** Reconnects of streams, after their first connect. */
  readonly reconnects: number
}

const names: Readonly<Record<keyof Coverage, string>> = {
  faults: 'fault was done',
  acknowledged: 'payment was acknowledged',
  refused: 'command was refused',
  repeats: 'command was repeated',
  streamEvents: 'event came on a stream',
  reconnects: 'stream connected again',
}

/** @returns what never happened, in words; a run without faults needs no reconnects */
export function neverDone(coverage: Coverage): string[] {
  const wanted = (Object.keys(names) as (keyof Coverage)[]).filter(
    (name) => name !== 'reconnects' || coverage.faults !== undefined,
  )
  return wanted.filter((name) => coverage[name] === 0).map((name) => `no ${names[name]}: the run shows nothing`)
}
