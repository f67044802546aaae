import { addTexts, type Texts } from './i18n.ts'
import { language } from './language.ts'

/** The areas whose texts are loaded separately; `i18n.ts` says what they are. */
export type Area = 'wallet' | 'pages' | 'console'

const german: Readonly<Record<Area, () => Promise<Texts>>> = {
  wallet: () => import('./de/wallet.ts'),
  pages: () => import('./de/pages.ts'),
  console: () => import('./de/console.ts'),
}
const loaded = new Set<Area>()

/**
 * Resolves once the texts of an area are loaded. English ones come with the code. If those of another language can't be loaded, the area is
 * in English until a later call has loaded them.
 * @returns whether the area is in the page's language
 */
export async function loadTexts(area: Area): Promise<boolean> {
  if (language === 'en' || loaded.has(area)) return true
  try {
    addTexts(language, { ...(await german[area]()) })
    loaded.add(area)
    return true
  } catch {
    return false
  }
}
