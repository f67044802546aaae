/**
 * Which texts people may show to each other. Characters that cannot be seen, or that change how the text around them is
 * shown, would let one person look like another. The patterns are JSON Schema's: ECMA-262 with the flag `u`.
 */

// White space of any kind, control and format characters (bidirectional controls, zero-width ones), halves of surrogate
// pairs, and letters without a shape.
const unseen = '\\s\\p{Cc}\\p{Cf}\\p{Cs}\\u034F\\u115F\\u1160\\u2800\\u3164\\uFFA0'

export const maxNameLength = 100

/** Words with spaces between them; U+3000 is the space of East Asian names. */
export const namePattern = `^[^${unseen}]+(?:[ \\u3000]+[^${unseen}]+)*$`
export const usernamePattern = `^[^${unseen}]+$`

/** Lines of text: all but control characters other than tab and newline, and embeddings, overrides and isolates. */
export const notesPattern =
  '^[^\\u0000-\\u0008\\u000B\\u000C\\u000E-\\u001F\\u007F-\\u009F\\u2028-\\u202E\\u2066-\\u2069\\p{Cs}]*$'

export const nameRule =
  'must be visible characters, with spaces only between them: no control, zero-width or text-direction characters'
export const usernameRule =
  'must be visible characters without spaces: no control, zero-width or text-direction characters either'
export const notesRule = 'must be text: no control characters but tab and newline, and no text-direction overrides'

const unseenRun = new RegExp(`[${unseen}]+`, 'gu')

/** Names that fit a profile, from what an issuer says of somebody, which may be anything. */
export function fittingNames({ id, name, username }: { id: string; name: string; username: string }) {
  const fallback = fitting(id, '-') || 'someone'
  return { name: fitting(name, ' ') || fallback, username: fitting(username, '-') || fallback }
}

function fitting(text: string, joint: string): string {
  const words = text.split(unseenRun).filter((word) => word !== '')
  const cut = [...words.join(joint)].slice(0, maxNameLength).join('')
  return cut.trim()
}
