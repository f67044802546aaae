import { registerLocale } from 'echarts/core'
import { language } from '../i18n/language.ts'

/**
 * Resolves once the chart's axis has the names of months in the page's language; until then it has the English ones.
 */
export async function loadAxisWords(): Promise<void> {
  if (language !== 'de') return
  try {
    const { default: german } = await import('echarts/i18n/langDE-obj.js')
    registerLocale('DE', german)
  } catch {
    // As with the texts of a page that can't be loaded, the axis stays in English.
  }
}
