/** Identities and names that are reserved for the system itself, and the ids of its applications. */
import { lookOf, looksOfWords, withPlainCapitals } from './looks.ts'

/** No person's identity begins with this, or with a text that looks like it: every guard and issuer refuses it. */
export const reservedPrefix = 'streampay:'

/** The account that all money comes from, and the only one that may be negative. */
export const treasuryId = 'streampay:treasury'

/** A simulated person is recognized by the id alone, on every page. */
const virtualId = /^virtual-\d{4,5}$/

export function isVirtual(identity: string): boolean {
  return virtualId.test(identity)
}

const reservedLook = lookOf(reservedPrefix)
/** An identity that begins with none of these letters or digits cannot look like the prefix: this decides nearly all identities quickly. */
const surelyFree = /^[a-rt-zA-RT-Z0-9]/

/**
 * Whether an identity is, or looks like, one of the system's own. Guard, issuer, payments and audit all use this comparison, so that none
 * of them accepts an identity that another takes for the system's.
 */
export function isReserved(identity: string): boolean {
  if (surelyFree.test(identity)) return false
  return [identity, withPlainCapitals(identity)].some((text) => lookOf(text).startsWith(reservedLook))
}

/** The system's name, as `lookOf` returns it. */
const systemLook = lookOf('streampay')
/** Words that stand for the system when they are the whole name. */
const systemWords: ReadonlySet<string> = new Set(['treasury', 'the treasury'].map(lookOf))

/**
 * Whether a person's name or username would be taken for the system's: "StreamPay", "Stream Pay Support", "5tream-Pay". People
 * whose real name happens to begin so ("Stream Payne") have to write it differently.
 */
export function looksLikeSystem(name: string): boolean {
  if (isSystemsName(name)) return true
  const withPlain = withPlainCapitals(name)
  return withPlain !== name && isSystemsName(withPlain)
}

function isSystemsName(name: string): boolean {
  if (systemWords.has(lookOf(name))) return true
  const words = looksOfWords(name).map(withoutDigits)
  if (words.some((word) => word.includes(systemLook))) return true
  return words.some((_, index) => words.slice(index).join('').startsWith(systemLook))
}

/** Digits and signs that are read as letters in a word. */
const readAs: Readonly<Record<string, string>> = { '3': 'e', '4': 'a', '5': 's', '7': 't', $: 's', '@': 'a' }

function withoutDigits(word: string): string {
  return word.replaceAll(/[3457$@]/g, (sign) => readAs[sign] ?? sign)
}

/** Consumer group, and prefix of transactional ids and changelogs, of each topology. */
export const applicationIds = { payments: 'streampay-payments', statistics: 'streampay-statistics' } as const

/** The `aud` of access tokens, and the UI's client id at the development issuer. */
export const audience = 'streampay'
export const uiClientId = 'streampay-ui'

/** The grant by which the development issuer gives a token for the asking. */
export const developmentTokenGrant = 'urn:streampay:dev-token'
