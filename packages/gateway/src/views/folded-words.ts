/**
 * The words of a text as a search compares them: without compatibility forms, marks and differences of case
 * (Unicode, UAX #15 and section 3.13). `Émilie`, `EMILIE` and `ｅｍｉｌｉｅ` are one word; so are `Straße` and `STRASSE`.
 */

/** The compared length of a word in UTF-16 units: of longer words, only the beginning is compared. */
export const longestWord = 32

/** Marks, invisible characters, and the apostrophes of names: `O'Brien` is one word. */
const ignored = /[\p{M}\p{Cf}\p{Default_Ignorable_Code_Point}'’]/gu
/** Symbols are no separators: a name may consist of them. */
const separators = /[\p{Z}\p{P}\p{Cc}]+/u

/** In their order; no word is empty. */
export function foldedWords(text: string): string[] {
  return folded(text)
    .split(separators)
    .filter((word) => word !== '')
    .map((word) => word.slice(0, longestWord).toWellFormed())
}

/**
 * Upper case and back is Unicode's case folding except for two letters: a sigma at the end of a word, and the i without a
 * dot, which counts as an i here.
 */
export function folded(text: string): string {
  // ASCII, which most searched text is, needs none of these steps.
  if (/^[\u0020-\u007E]*$/.test(text)) return text.replaceAll("'", '').toLowerCase()
  const plain = text.normalize('NFKD').replace(ignored, '')
  return plain.toUpperCase().toLowerCase().normalize('NFKD').replace(ignored, '').replaceAll('ς', 'σ')
}
