/**
 * The representation that a GET asks for (RFC 9110, section 12.5.1). For the range of any type, which curl and fetch send, it is
 * the first one offered.
 */
export type Representation = 'json' | 'stream' | 'csv' | 'html'

const names: Readonly<Record<Representation, string>> = {
  json: 'application/json',
  stream: 'text/event-stream',
  csv: 'text/csv',
  html: 'text/html',
}

/**
 * The best of the offered types, or undefined if none is acceptable. Of equal weights, the first one offered wins. A stream has
 * no end, so a client has to name its type: a range such as any text selects it only if no other type is acceptable.
 */
export function negotiate(accept: string | undefined, offered: readonly Representation[]): Representation | undefined {
  if (accept === undefined || accept.trim() === '') return offered[0]
  const ranges = accept.split(',').map(parseRange)
  if (ranges.some(({ type }) => type === names.stream)) return bestOf(offered, ranges)
  const finite = offered.filter((candidate) => candidate !== 'stream')
  return bestOf(finite, ranges) ?? bestOf(offered, ranges)
}

function bestOf(offered: readonly Representation[], ranges: readonly Range[]): Representation | undefined {
  let best: Representation | undefined
  let bestWeight = 0
  for (const candidate of offered) {
    const weight = weightOf(names[candidate], ranges)
    if (weight > bestWeight) {
      best = candidate
      bestWeight = weight
    }
  }
  return best
}

/** Whether a browser navigates: only then it names text/html. */
export function asksForPage(accept: string | undefined): boolean {
  return accept?.split(',').some((range) => parseRange(range).type === 'text/html') ?? false
}

type Range = { readonly type: string; readonly weight: number }

function parseRange(text: string): Range {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase())
  const quality = parameters.find((parameter) => parameter.startsWith('q='))
  const weight = quality === undefined ? 1 : Number(quality.slice(2))
  return { type, weight: Number.isFinite(weight) ? weight : 0 }
}

/** The most specific range that matches decides the weight. */
function weightOf(type: string, ranges: readonly Range[]): number {
  const [family = ''] = type.split('/')
  for (const wanted of [type, `${family}/*`, '*/*']) {
    const range = ranges.find((candidate) => candidate.type === wanted)
    if (range !== undefined) return range.weight
  }
  return 0
}

type Varying = {
  readonly getHeader: (name: string) => unknown
  readonly header: (name: string, value: string) => unknown
}

/** Adds the request headers on which the response depends to those that are named already. */
export function vary(reply: Varying, names: string): void {
  const before = reply.getHeader('vary')
  reply.header('vary', before === undefined ? names : `${before}, ${names}`)
}
