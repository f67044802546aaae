/**
 * Which representation a GET asks for (RFC 9110, section 12.5.1). The range that curl and fetch send, which is any type,
 * gets what is offered first.
 */
export type Representation = 'json' | 'stream' | 'csv' | 'html'

const names: Readonly<Record<Representation, string>> = {
  json: 'application/json',
  stream: 'text/event-stream',
  csv: 'text/csv',
  html: 'text/html',
}

/**
 * The best of what is offered, or undefined if nothing is acceptable. Of equal weights, the earlier offered wins. A stream has
 * no end, so who asks for it names it: by a range, such as any text, it is chosen only if nothing else is acceptable.
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

/** Whether a browser is navigating: only then is text/html named. */
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

/** The most specific range that matches decides. */
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

/** Says which headers of the request decide what the answer is, besides those that are named already. */
export function vary(reply: Varying, names: string): void {
  const before = reply.getHeader('vary')
  reply.header('vary', before === undefined ? names : `${before}, ${names}`)
}
