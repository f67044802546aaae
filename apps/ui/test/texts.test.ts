import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { createI18n } from 'vue-i18n'
import * as germanConsole from '../src/i18n/de/console.ts'
import * as germanPages from '../src/i18n/de/pages.ts'
import * as germanWallet from '../src/i18n/de/wallet.ts'
import * as englishConsole from '../src/i18n/en/console.ts'
import * as englishPages from '../src/i18n/en/pages.ts'
import * as englishWallet from '../src/i18n/en/wallet.ts'
import type { Texts } from '../src/i18n/i18n.ts'
import { bareTexts } from './support/bare-texts.ts'

const english: Texts = { ...englishWallet, ...englishPages, ...englishConsole }
const german: Texts = { ...germanWallet, ...germanPages, ...germanConsole }
const root = fileURLToPath(new URL('../src/', import.meta.url))

const all = Object.entries(english).flatMap(([part, texts]) =>
  Object.entries(texts).map(([key, text]) => ({ name: `${part}.${key}`, en: text, de: german[part]?.[key] ?? '' })),
)

/** The names of the values, sorted; `{'@'}` is a character. */
function valuesIn(text: string): string[] {
  return [...new Set([...text.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name))].sort()
}

describe('the texts', () => {
  it('are the same in both languages, and none is empty', () => {
    const namesOf = (texts: Texts) =>
      Object.entries(texts).flatMap(([part, named]) => Object.keys(named).map((key) => `${part}.${key}`))
    expect(namesOf(german).sort()).toEqual(namesOf(english).sort())
    expect(all.filter(({ en, de }) => en.trim() === '' || de.trim() === '')).toEqual([])
  })

  it('name the same values in both languages', () => {
    const differing = all.filter(({ en, de }) => valuesIn(en).join() !== valuesIn(de).join())
    expect(differing).toEqual([])
  })

  // "{count} waiting" is the same for one and for many in English alone.
  it('have singular and plural in German where they have both in English, and no third form', () => {
    const forms = (text: string) => text.replaceAll("{'|'}", '').split('|').length
    expect(all.filter(({ en, de }) => forms(de) < forms(en) || forms(de) > 2)).toEqual([])
  })

  it('can be translated, with their values in them', () => {
    const i18n = createI18n({
      legacy: false,
      locale: 'en',
      fallbackLocale: 'en',
      messages: { en: english, de: german },
    })
    for (const locale of ['en', 'de'] as const) {
      i18n.global.locale.value = locale
      for (const { name, en } of all) {
        const values = Object.fromEntries(valuesIn(en).map((value) => [value, `‹${value}›`]))
        for (const count of [0, 1, 2]) {
          const said = i18n.global.t(name, { ...values, count: String(count) }, count)
          expect(said, `${name} in ${locale}`).not.toMatch(/[{}]|^$/)
          expect(said).not.toBe(name)
        }
      }
    }
  })

  it('are in no other file', () => {
    const files = globSync('**/*.{vue,ts}', { cwd: root }).filter((file) => !file.startsWith('i18n/'))
    const found = files.flatMap((file) => {
      const texts = bareTexts(file, readFileSync(`${root}${file}`, 'utf8'))
      return texts.filter((text) => !isNoText(file, text)).map((text) => `${file}: ${text}`)
    })
    expect(found).toEqual([])
  })
})

/** Literals that are found but are for programs, or the same in every language, by file. */
const noTexts: Readonly<Record<string, readonly string[]>> = {
  'api/http.ts': ['the gateway could not be reached'],
  'break/BooksCard.vue': ['INV-6'],
  'console/ExpressionHelp.vue': ['partition, offset, size'],
  'console/record-expression.ts': ['Unexpected token: EOF'],
  'news/news-settings.ts': ['Notification'],
  'palette/PaletteSearch.vue': ['Esc'],
  'statement/read-statement.ts': [`\`the statement has more than \${maxEntries} entries\``],
}
/** Programs read what these files write; it is the same in every language of the page. */
const forPrograms: ReadonlySet<string> = new Set(['statement/statement-csv.ts', 'console/export-records.ts'])

function isNoText(file: string, text: string): boolean {
  return forPrograms.has(file) || text.startsWith('`Bearer ') || (noTexts[file]?.includes(text) ?? false)
}

describe('the search for texts', () => {
  it.each([
    ['<p>Try again</p>', 'Try again'],
    ['<p>{{ isOn ? "Switch it off" : t("a.b") }}</p>', 'Switch it off'],
    ['<button aria-label="Close" />', 'aria-label="Close"'],
    [`<MyPart :label="\`Pay \${amount}\`" />`, `\`Pay \${amount}\``],
  ])('finds what %s says', (template, text) => {
    expect(bareTexts('A.vue', `<template>${template}</template>`)).toContain(text)
  })

  it.each([
    '<p class="mt-2 flex text-sm">{{ t("home.title") }} · {{ 12 }}</p>',
    '<input type="text" autocomplete="off" :class="isOn ? \'mt-1 flex\' : \'\'" />',
    '<code>{{ id }}</code>',
  ])('passes over %s', (template) => {
    expect(bareTexts('A.vue', `<template>${template}</template>`)).toEqual([])
  })

  it('finds a literal of the code, and no error for programmers', () => {
    expect(bareTexts('a.ts', "const a = 'Nothing was sent'; throw new Error('There is no store.')")).toEqual([
      'Nothing was sent',
    ])
  })
})
