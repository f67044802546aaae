/**
 * The texts that people may show to each other. With characters that are invisible, or that change how the text around them is shown, one
 * person could look like another. The patterns are JSON Schema's. They name ranges of allowed characters, and no property of Unicode and no
 * half of a surrogate pair, so that the regular expressions of every language accept them.
 */

import { looksLikeSystem } from './identities.ts'
import { maxNameLength } from './limits.ts'

/**
 * White space of any kind, control and format characters (bidirectional controls, zero-width ones), halves of surrogate
 * pairs, and letters without a shape: code points and ranges of them, in order. A test compares them with Unicode's properties.
 */
const unseen =
  '0-20 7f-a0 ad 34f 600-605 61c 6dd 70f 890-891 8e2 115f-1160 1680 180e 2000-200f 2028-202f 205f-2064 2066-206f 2800 3000 3164 ' +
  'd800-dfff feff ffa0 fff9-fffb 110bd 110cd 13430-1343f 1bca0-1bca3 1d173-1d17a e0001 e0020-e007f'

const surrogates = 'd800-dfff'

/** Control characters other than tab and newline, embeddings, overrides and isolates, and halves of surrogate pairs. */
const unfitForNotes = `0-8 b-c e-1f 7f-9f 2028-202e 2066-2069 ${surrogates}`

const visible = allBut(unseen)

/** Words with spaces between them; U+3000 is the space of East Asian names. */
export const namePattern = `^[${visible}]+(?:[ \\u3000]+[${visible}]+)*$`
export const usernamePattern = `^[${visible}]+$`

/** Ids in bodies: half of a surrogate pair has no UTF-8, so such an id could be no record's key. */
export const idPattern = `^[${allBut(surrogates)}]*$`

export const notesPattern = `^[${allBut(unfitForNotes)}]*$`

export const nameRule =
  'must be visible characters, with spaces only between them: no control, zero-width or text-direction characters'
export const usernameRule =
  'must be visible characters without spaces: no control, zero-width or text-direction characters either'
export const idRule = 'must be well-formed Unicode'
export const notesRule = 'must be text: no control characters but tab and newline, and no text-direction overrides'

/** What each pattern asks for. */
export const ruleOfPattern: ReadonlyMap<string, string> = new Map([
  [namePattern, nameRule],
  [usernamePattern, usernameRule],
  [idPattern, idRule],
  [notesPattern, notesRule],
])

const unseenRun = new RegExp(`[^${visible}]+`, 'gu')

/** Names that fit a profile, made from an issuer's name for a person, which may be any text. */
export function fittingNames({ id, name, username }: { id: string; name: string; username: string }) {
  const fallback = personal(fitting(id, '-')) || 'someone'
  return { name: personal(fitting(name, ' ')) || fallback, username: personal(fitting(username, '-')) || fallback }
}

/** Removes a name that would be taken for the system's. */
function personal(text: string): string {
  return looksLikeSystem(text) ? '' : text
}

function fitting(text: string, joint: string): string {
  const words = text.split(unseenRun).filter((word) => word !== '')
  const cut = [...words.join(joint)].slice(0, maxNameLength).join('')
  return cut.trim()
}

/** The inside of a class that has all characters but these. */
function allBut(ranges: string): string {
  let next = 0
  let allowed = ''
  for (const range of `${ranges} 110000`.split(' ')) {
    const [first = 0, last = first] = range.split('-').map((point) => Number.parseInt(point, 16))
    if (next < first) allowed += `${written(next)}-${written(first - 1)}`
    next = last + 1
  }
  return allowed
}

/** Languages escape a character above U+FFFF differently, so it is not escaped. */
function written(point: number): string {
  return point > 0xffff ? String.fromCodePoint(point) : `\\u${point.toString(16).padStart(4, '0')}`
}
