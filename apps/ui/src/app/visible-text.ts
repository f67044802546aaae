/**
 * Text that another person chose, made safe to read. Records from before the gateway refused them may have invisible characters: controls,
 * marks that turn the direction of the following text, blanks of no width. With them one name looks like another, or an amount is turned
 * around (Unicode Technical Report 36, sections 2.5 and 2.10).
 *
 * Not changed: the joiners and variation selectors that scripts and emoji need, and line breaks, which a page shows as blanks.
 */
const unseen =
  /(?![\t\n]|\u200C|\u200D|[\uFE00-\uFE0F])[\p{Cc}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}]/gu
const maxMarks = 4
const tooManyMarks = new RegExp(`(\\p{M}{${maxMarks}})\\p{M}+`, 'gu')

/** The text with a visible sign in place of each invisible character, and no more marks on a letter than a script needs. */
export function visibleText(text: string): string {
  return text.replace(unseen, '\uFFFD').replace(tooManyMarks, '$1')
}

/** The text with each invisible character as JSON escapes it: for the console, which shows the exact content of a record. */
export function escapedText(text: string): string {
  return text.replace(unseen, (character) => {
    const units = Array.from({ length: character.length }, (_, index) => character.charCodeAt(index))
    return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('')
  })
}

/** A name within a sentence: its direction of writing doesn't change that of the words and amounts around it. */
export function isolated(name: string): string {
  return `\u2068${name}\u2069`
}
