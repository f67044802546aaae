/**
 * Reads JSON from outside (RFC 8259) without changing its meaning. `JSON.parse` makes silent corrections: invalid UTF-8
 * becomes U+FFFD before it is parsed, of members with one name the last counts, and a number that is not an exact
 * double becomes the nearest one, so that 1.0000000000000000000001 is 1. All of these are errors here.
 *
 * The value of a number decides its type: 12, 12.0 and 1.2e1 are the integer 12, as in JSON Schema; a number that is not exactly an
 * integer never becomes one. A fraction (0.5) is a number like any other; whether it is allowed is decided by a schema.
 */
import { type JSONPath, visit } from 'jsonc-parser'

/** The field is a path with dots, '' for the whole text; the message continues the path, or the words "The body". */
export type JsonFault = {
  /** Names of members joined by dots; '' is the whole text. */
  readonly field: string
  /** Continues the path, such as `appears more than once`. */
  readonly message: string
}
/** The value of the text, or its first error. */
export type StrictJson = { readonly value: unknown } | { readonly fault: JsonFault }

const decoder = new TextDecoder('utf-8', { fatal: true })
/** Names come from outside: the length of an answer must not depend on them. */
const longestPath = 255

/**
 * A byte order mark at the beginning is skipped (RFC 8259, section 8.1).
 * @example
 * ```ts
 * import { parseStrictJson } from '@streampay/json'
 *
 * console.log(parseStrictJson(Buffer.from('{"amount": 1e2}'))) // → { value: { amount: 100 } }
 * console.log(parseStrictJson(Buffer.from('{"amount": 1, "amount": 2}')))
 * // → { fault: { field: 'amount', message: 'appears more than once' } }
 * ```
 */
export function parseStrictJson(bytes: Uint8Array): StrictJson {
  let text: string
  try {
    text = decoder.decode(bytes)
  } catch {
    return { fault: { field: '', message: 'is not UTF-8' } }
  }
  return parseStrictText(text)
}

/** The same for decoded text. A byte order mark in it is not JSON. */
export function parseStrictText(text: string): StrictJson {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return { fault: { field: '', message: 'is not valid JSON' } }
  }
  const fault = isPlain(text, value) ? undefined : faultIn(text)
  return fault === undefined ? { value } : { fault }
}

/** A text up to this length can't be nested too deeply. */
const plainCharacters = 4_096
/** A number with this many digits, or with an exponent, is checked; `__proto__` is not allowed as a name. */
const suspicious = /\d{16}|\d[eE]|__proto__/

/**
 * Whether the text is exactly what `JSON.stringify` makes of its value: then no member has repeated, and each short number is exact.
 * This is true for most bodies that programs send, and for all that a gateway writes; the full check of the others
 * costs twenty times as much.
 */
function isPlain(text: string, value: unknown): boolean {
  return text.length <= plainCharacters && !suspicious.test(text) && JSON.stringify(value) === text
}

/** Checks a text that is valid JSON for errors that its value does not show. */
function faultIn(text: string): JsonFault | undefined {
  const names: Set<string>[] = []
  let fault: JsonFault | undefined
  // Creating a path costs as much as the text is deep there: it is created only for the first error.
  const note = (pathTo: () => JSONPath, message: string | undefined, ...member: readonly string[]) => {
    if (message === undefined || fault !== undefined) return
    fault = { field: [...pathTo(), ...member].join('.').slice(0, longestPath), message }
  }
  try {
    visit(text, {
      onObjectBegin: () => void names.push(new Set()),
      onObjectEnd: () => void names.pop(),
      onObjectProperty: (name, _offset, _length, _line, _character, pathTo) => {
        const known = names.at(-1)
        if (known?.has(name) === true) note(pathTo, 'appears more than once', name)
        // Code that copies members one by one would set the prototype with it.
        if (name === '__proto__') note(pathTo, 'is not a name that is accepted', name)
        known?.add(name)
      },
      onLiteralValue: (value, offset, length, _line, _character, pathTo) => {
        if (typeof value === 'number') note(pathTo, numberFault(text.slice(offset, offset + length)))
      },
    })
  } catch (error) {
    // The visitor calls itself for each level.
    if (!(error instanceof RangeError)) throw error
    return { field: '', message: 'is nested too deeply' }
  }
  return fault
}

function numberFault(text: string): string | undefined {
  const value = Number(text)
  if (isWhole(text)) {
    if (Object.is(value, -0)) return 'must be 0, not -0'
    return Number.isSafeInteger(value) ? undefined : 'has more digits than can be kept exactly'
  }
  return Number.isInteger(value) ? 'is not a whole number, but would be rounded to one' : undefined
}

/** Whether the number in the text is exactly an integer. */
function isWhole(text: string): boolean {
  const [, digits = '', fraction = '', exponent = '0'] = /^-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? []
  const significant = `${digits}${fraction}`.replace(/^0+/, '')
  return significant === '' || Number(exponent) - fraction.length + trailingZeros(significant) >= 0
}

/** Counted from the end: a search for zeros at the end would start again at each earlier zero. */
function trailingZeros(digits: string): number {
  let end = digits.length
  while (digits[end - 1] === '0') end--
  return digits.length - end
}
