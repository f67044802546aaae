import { createI18n } from 'vue-i18n'
import { counted } from '../app/numbers.ts'
import { type Language, language } from './language.ts'

/**
 * All texts of the page. They are split into areas, as the code is: those that the first page needs at once (`wallet.ts`), those of the
 * other pages (`pages.ts`), and those of the console (`console.ts`). English is loaded with the code that uses it; another language is
 * loaded before a page is shown (`load-texts.ts`). So `t` is called when something is shown, never while a module is loaded.
 */
export type Texts = Readonly<Record<string, Readonly<Record<string, string>>>>

/** The names of all texts: `send.title`. */
export type NameIn<T extends Texts> = {
  [Part in keyof T & string]: `${Part}.${keyof T[Part] & string}`
}[keyof T & string]

/** A number is written as the language writes it; `count` also chooses between singular and plural, which `|` separates in the text. */
export type Values = Readonly<Record<string, string | number>>
export type Translate<T extends Texts> = (name: NameIn<T>, values?: Values) => string

export const i18n = createI18n({
  legacy: false,
  locale: language,
  fallbackLocale: 'en',
  messages: { en: {}, de: {} } as Record<Language, Texts>,
})

/** Adds the English texts of an area, and returns the function that translates them. */
export function translator<const T extends Texts>(english: T): Translate<T> {
  addTexts('en', english)
  return (name, values = {}) => {
    const shown = Object.entries(values).map(([key, value]) => [
      key,
      typeof value === 'number' ? counted(value) : value,
    ])
    const { count } = values
    const named: Record<string, unknown> = Object.fromEntries(shown)
    return typeof count === 'number' ? i18n.global.t(name, named, count) : i18n.global.t(name, named)
  }
}

export function addTexts(of: Language, texts: Texts): void {
  i18n.global.mergeLocaleMessage(of, texts)
}
