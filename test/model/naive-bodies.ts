/** The rules for bodies of commands, from the design, in the simplest form. */

export type Body = Readonly<Record<string, unknown>>

/** The value as JSON; undefined if it is not JSON, if a name in it repeats, or if a number is read differently than written. */
export function parsed(bytes: Buffer | null): unknown {
  try {
    const text = bytes?.toString('utf8') ?? ''
    const value: unknown = JSON.parse(text)
    // If the parsed value has fewer names or other digits when written again, it differs: clients here write numbers as JavaScript does.
    return wordsOf(JSON.stringify(value)) === wordsOf(text) ? value : undefined
  } catch {
    return undefined
  }
}

/** The strings and numbers of a text of JSON, sorted: the order of members may change. */
function wordsOf(text: string): string {
  const words = text.match(/"(?:[^"\\]|\\.)*"|[-+.\w]+/g) ?? []
  return words.sort().join(' ')
}

export function isIdText(value: unknown): value is string {
  return typeof value === 'string' && value.length >= 1 && value.length <= 255
}

/** Whether the path has the subject of the command. */
export function hasPath(model: string): boolean {
  return ['DeclineCommand', 'CancelCommand', 'RemindCommand', 'UnblockCommand', 'UnfavouriteCommand'].includes(model)
}

export function isProfile(value: unknown): value is { id: string } {
  if (typeof value !== 'object' || value === null) return false
  const { id, name, username } = value as Body
  const isName = (text: unknown) =>
    typeof text === 'string' && text.length >= 1 && text.length <= 100 && !/stream ?pay/i.test(text)
  return isIdText(id) && isName(name) && isName(username)
}

/** The members that are wrong, missing or unknown, sorted. */
export function fieldErrors(model: string, body: Body): string[] {
  const isAmount = (value: unknown) =>
    typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 1_000_000_000
  const isNotes = (value: unknown) => value === undefined || (typeof value === 'string' && value.length <= 500)
  const isVisibility = (value: unknown) => value === undefined || value === 'public' || value === 'private'
  const members: Record<string, (value: unknown) => boolean> =
    model === 'PayCommand'
      ? {
          userId: isIdText,
          amount: isAmount,
          notes: isNotes,
          requestId: (value) => value === undefined || isIdText(value),
          visibility: isVisibility,
        }
      : model === 'RequestCommand'
        ? { userId: isIdText, amount: isAmount, notes: isNotes, visibility: isVisibility }
        : model === 'BlockCommand' || model === 'FavouriteCommand'
          ? { userId: isIdText }
          : {}
  const wrong = Object.keys(members).filter((name) => members[name]?.(body[name]) === false)
  const unknown = Object.keys(body).filter((name) => members[name] === undefined)
  return [...wrong, ...unknown].sort()
}

/** Equal for values that are equal with their members in any order. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}

/** The meaning of a body, as text: public visibility and no visibility mean the same. */
export function meaningOf(body: Body): string {
  const { visibility, ...others } = body
  return canonical(visibility === 'public' ? others : body)
}
