/** The language of the page's texts, and the one of amounts, numbers and times. Both stay the same while the page is loaded. */
import { isKeyOf } from '../app/is-key-of.ts'

/** The languages that have all texts, each by its own name. */
export const languageNames = { en: 'English', de: 'Deutsch' } as const
export type Language = keyof typeof languageNames

type Speech = {
  readonly language: Language
  /** For Intl: a language tag (BCP 47). */
  readonly formatLocale: string
}

const storageKey = 'streampay.language'

/**
 * Texts are in the language that was chosen; without a choice in the first of the browser's languages that has texts; without such a
 * language in English. Amounts, numbers and times are written by the rules of the browser's first language, in whatever language the texts
 * are; once a language is chosen, by the rules of that language.
 * @param preferred the browser's languages (BCP 47), the first one first
 */
export function speechOf(chosen: Language | undefined, preferred: readonly string[]): Speech {
  const language = chosen ?? preferred.map(languageOf).find((found) => found !== undefined) ?? 'en'
  const formats = chosen === undefined ? preferred : preferred.filter((tag) => languageOf(tag) === chosen)
  return { language, formatLocale: formats.find(isKnownTag) ?? (language === 'en' ? 'en-US' : language) }
}

/** The language chosen on the profile page; undefined if the browser decides. */
export function chosenLanguage(): Language | undefined {
  try {
    const stored = localStorage.getItem(storageKey)
    return stored !== null && isLanguage(stored) ? stored : undefined
  } catch {
    // Storage may be forbidden.
    return undefined
  }
}

/** Keeps the choice: the page has that language once it is reloaded. Without storage nothing changes: false. */
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
    // Not a language tag.
    return false
  }
}

// Outside of a page, as in the test of one part, there is no browser that names a language.
const isPage = 'document' in globalThis
export const { language, formatLocale } = isPage
  ? speechOf(chosenLanguage(), navigator.languages)
  : speechOf(undefined, ['en-US'])
