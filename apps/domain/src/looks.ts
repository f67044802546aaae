/**
 * What a text looks like at first sight, as a key: equal for two texts that people take for the same. A small form of the skeletons of
 * Unicode Technical Standard 39 (confusables.txt), for characters drawn like a Latin letter or like 0, 1 and |. Two texts that look
 * different may have one key, too; so it is used to refuse and to mark, and never to merge.
 */

/** Characters that most typefaces draw like the letter, after NFKD and lower case; from confusables.txt, security/16.0.0. */
const drawnLike: Readonly<Record<string, string>> = {
  a: 'аɑαᴀ⍺ꭺꓮ',
  b: 'ьƅвβʙᏼꮟꓐ',
  c: 'сϲᴄⲥꮯꓚ',
  d: 'ԁᴅꮷꓓꓒ',
  e: 'еҽ℮ꬲεᴇєꭼꓰ',
  f: 'ꜰƒꞙꓝ',
  g: 'ɡցƍɢꓖ',
  h: 'һհнʜꮒꓧ',
  j: 'јϳᴊꓙ',
  k: 'кκᴋĸꓗ',
  l: '1iı|ӏіɩιɪǀ∣⍳ʟⵏߊןꓡꓲ',
  m: 'мμᴍꮇꓟ',
  n: 'ոռηɴꓠ',
  o: '0оοσᴏօסøဝꓳ',
  p: 'рρϱ⍴ᴘⲣꮲꓑ',
  q: 'ԛզգ',
  r: 'гᴦⲅꭇꭈꮁʀꭱꓣ',
  s: 'ѕꜱƽꮪꓢ',
  t: 'тτᴛŧꭲꓔ',
  u: 'υսʋᴜꞟꭎꭒꓴ',
  v: 'ѵνᴠטꮩꓦ',
  w: 'ԝѡաɯᴡꮃωꓪ',
  x: 'хχᕁᕽꓫ',
  y: 'уγүყʏᶌỿꭚꮍꓬ',
  z: 'ᴢꮓꓜ',
}

const letterOf = new Map(
  Object.entries(drawnLike).flatMap(([letter, others]) => [...others].map((other) => [other, letter] as const)),
)

/** Capitals drawn like another letter than their small forms: Υ like Y, but υ like u. */
const capitalsLike: Readonly<Record<string, string>> = { Υ: 'y', Η: 'h', Ν: 'n', Ζ: 'z', Տ: 's', Լ: 'l' }

/** The text with those replaced; it has another look, which counts as well. */
export function withPlainCapitals(text: string): string {
  return text.normalize('NFKD').replaceAll(/[ΥΗΝΖՏԼ]/g, (capital) => capitalsLike[capital] ?? capital)
}

/** Alphabets of symbols without a decomposition, from A to Z: negative circled, negative squared, regional indicators. */
const alphabets = [0x1f150, 0x1f170, 0x1f1e6]

/** Marks, control and format characters, and all others without a visible form. */
const unseen = /[\p{M}\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\uFFFD]/gu
const separators = /[\s_.\-’'"]/gu

/** The key of a text; without separators, so that "Stream Pay" looks like "StreamPay". */
export function lookOf(text: string): string {
  return joined(foldedLetters(text).replace(separators, ''))
}

/** The keys of its words. */
export function looksOfWords(text: string): string[] {
  return foldedLetters(text)
    .split(/[^\p{L}\p{N}$@]+/u)
    .filter((word) => word !== '')
    .map(joined)
}

/** Most names: only their case is to be folded, and they have none of the other letters. */
const isPlain = /^[\u0020-\u007E]*$/

function foldedLetters(text: string): string {
  if (isPlain.test(text)) return text.toLowerCase().replaceAll(/[1i|]/g, 'l').replaceAll('0', 'o')
  // Lower case of upper case is nearly full case folding: ß becomes ss.
  const plain = text.normalize('NFKD').toLowerCase().toUpperCase().toLowerCase().normalize('NFKD').replace(unseen, '')
  return [...plain].map((letter) => letterOf.get(letter) ?? letterOfSymbol(letter) ?? letter).join('')
}

function letterOfSymbol(symbol: string): string | undefined {
  const code = symbol.codePointAt(0) ?? 0
  const start = alphabets.find((first) => code >= first && code < first + 26)
  if (start === undefined) return undefined
  const letter = String.fromCharCode('a'.charCodeAt(0) + code - start)
  return letterOf.get(letter) ?? letter
}

/** Two letters that are drawn like one. */
function joined(letters: string): string {
  return letters.replaceAll('rn', 'm').replaceAll('vv', 'w')
}
