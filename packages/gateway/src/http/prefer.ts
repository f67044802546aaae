/**
 * The Prefer header (RFC 7240): `respond-async` and `wait=N`, in any order, separated by commas, possibly in several
 * header lines, with parameters and quoted values. Unknown preferences are ignored; of a repeated one the first counts.
 */
export type Preferences = {
  readonly respondAsync: boolean
  /** Whole seconds. */
  readonly waitSeconds?: number
}

const longestWaitSeconds = 86_400

export function parsePrefer(header: string | readonly string[] | undefined): Preferences {
  if (header === undefined) return { respondAsync: false }
  const text = typeof header === 'string' ? header : header.join(',')
  const preferences = new Map<string, string>()
  for (const element of splitOutsideQuotes(text, ',')) {
    // Parameters after the first semicolon belong to the preference; neither of these two has any.
    const [first = ''] = splitOutsideQuotes(element, ';')
    const equals = first.indexOf('=')
    const name = (equals === -1 ? first : first.slice(0, equals)).trim().toLowerCase()
    if (name === '' || preferences.has(name)) continue
    preferences.set(name, equals === -1 ? '' : unquote(first.slice(equals + 1).trim()))
  }
  const wait = preferences.get('wait')
  const respondAsync = preferences.has('respond-async')
  if (wait === undefined || !/^\d{1,9}$/.test(wait)) return { respondAsync }
  return { respondAsync, waitSeconds: Math.min(Number(wait), longestWaitSeconds) }
}

function splitOutsideQuotes(text: string, separator: string): string[] {
  const parts: string[] = []
  let start = 0
  let quoted = false
  for (let i = 0; i < text.length; i++) {
    const char = text[i]
    if (quoted && char === '\\') i++
    else if (char === '"') quoted = !quoted
    else if (char === separator && !quoted) {
      parts.push(text.slice(start, i))
      start = i + 1
    }
  }
  parts.push(text.slice(start))
  return parts
}

function unquote(value: string): string {
  if (value.length < 2 || !value.startsWith('"') || !value.endsWith('"')) return value
  return value.slice(1, -1).replace(/\\(.)/g, '$1')
}
