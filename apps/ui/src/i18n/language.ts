/** In which language the page speaks, and in which it writes amounts, numbers and times. Both stand while the page does. */
import { isKeyOf } from '../app/is-key-of.ts'

/** The languages that all texts are there in, by what they call themselves. */
export const languageNames = { en: 'English', de: 'Deutsch' } as const
export type Language = keyof typeof languageNames

type Speech = {
  readonly language: Language
  /** For Intl: a language tag (BCP 47). */
  readonly formatLocale: string
}

const storageKey = 'streampay.language'

/**
 * Texts are in the language that was chosen, else in the first of the browser's languages that there are texts in, else in English. Amounts,
 * numbers and times are written as the browser's first language writes them, whatever the texts are in; once a language is chosen, as it does.
 * @param preferred the browser's languages (BCP 47), the first one first
 */
export function speechOf(chosen: Language | undefined, preferred: readonly string[]): Speech {
  const language = chosen ?? preferred.map(languageOf).find((found) => found !== undefined) ?? 'en'
  const formats = chosen === undefined ? preferred : preferred.filter((tag) => languageOf(tag) === chosen)
  return { language, formatLocale: formats.find(isKnownTag) ?? (language === 'en' ? 'en-US' : language) }
}

/** What was chosen on the profile page; undefined if the browser decides. */
export function chosenLanguage(): Language | undefined {
  try {
    const stored = localStorage.getItem(storageKey)
    return stored !== null && isLanguage(stored) ? stored : undefined
  } catch {
    // Storage may be forbidden.
    return undefined
  }
}

/** Keeps the choice: the page speaks that language once it is loaded anew. Without a storage nothing changes: false. */
export function chooseLanguage(chosen: Language | undefined): boolean {
  try {
    if (chosen === undefined) localStorage.removeItem(storageKey)
    else localStorage.setItem(storageKey, chosen)
  } catch {
    return false
  }
  return true
}

export function isLanguage(text: string): text is Language {
  return isKeyOf(languageNames, text)
}

function languageOf(tag: string): Language | undefined {
  const [primary = ''] = tag.toLowerCase().split('-')
  return isLanguage(primary) ? primary : undefined
}

function isKnownTag(tag: string): boolean {
  try {
    return Intl.NumberFormat.supportedLocalesOf(tag).length > 0
  } catch {
    // No language tag at all.
    return false
  }
}

// Outside of a page, as in a test of one part, no browser says which language it is.
const isPage = 'document' in globalThis
export const { language, formatLocale } = isPage
  ? speechOf(chosenLanguage(), navigator.languages)
  : speechOf(undefined, ['en-US'])
