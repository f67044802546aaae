/** What a process logs about its state on disk: what it did not use, and what failed. */

export type Wipe = {
  /** For a payments process: the tasks whose state it had. */
  readonly application: string | undefined
  readonly reason: string
}

/** As packages/streams and packages/gateway write it. */
const wipeMessages = [
  'the folder of the local state was wiped; it is rebuilt from the log',
  'the state of the views is rebuilt from the log',
]
const failure = /STREAMS_STATE_FAILED|LOCAL_STORE_[A-Z]+/
/** The most characters kept of a line whose end has not come, and of a failure. */
const maxLineLength = 64 * 1024
const maxFailureLength = 500

export class StateLog {
  readonly wipes: Wipe[] = []
  /** Lines that report a failure, cut to a length. */
  readonly failures: string[] = []
  #line = ''

  /** Takes a chunk of the output. */
  read(chunk: Buffer): void {
    const lines = (this.#line + chunk.toString('utf8')).split('\n')
    this.#line = (lines.pop() ?? '').slice(-maxLineLength)
    for (const line of lines) {
      if (failure.test(line)) this.failures.push(line.slice(0, maxFailureLength))
      if (!wipeMessages.some((message) => line.includes(message))) continue
      this.wipes.push({ application: textOf(line, 'application'), reason: textOf(line, '(?:why|reason)') ?? '' })
    }
  }
}

/** Parses a line of JSON, into which output of another stream may have come. */
function textOf(line: string, name: string): string | undefined {
  const [, text] = new RegExp(`"${name}":("(?:[^"\\\\]|\\\\.)*")`).exec(line) ?? []
  return text === undefined ? undefined : String(JSON.parse(text))
}
