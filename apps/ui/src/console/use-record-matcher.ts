import { shallowRef, watch } from 'vue'
import { t } from '../i18n/console.ts'
import type { ExpressionFault } from './record-expression.ts'
import { type Matches, matchesAll, type RecordFilter, textMatcher } from './record-matcher.ts'

/**
 * The matcher of a filter. While an expression has a mistake, the last correct one still applies. The expression language is loaded with
 * the first expression.
 */
export function useRecordMatcher(filter: () => RecordFilter) {
  const matches = shallowRef<Matches>(matchesAll)
  const fault = shallowRef<ExpressionFault | undefined>()

  async function compile({ text, field }: RecordFilter): Promise<void> {
    fault.value = undefined
    if (field !== 'expression' || text.trim() === '') {
      matches.value = textMatcher({ text, field })
      return
    }
    const compiled = await compiledFrom(text)
    // Another filter may have been set while the language was loaded.
    if (filter().text !== text || filter().field !== field) return
    if ('fault' in compiled) fault.value = compiled.fault
    else matches.value = compiled.matches
  }

  watch(
    filter,
    (next, before) => {
      if (before?.text !== next.text || before.field !== next.field) void compile(next)
    },
    { immediate: true },
  )

  return { matches, fault }
}

async function compiledFrom(text: string) {
  try {
    const { compileExpression } = await import('./record-expression.ts')
    return compileExpression(text)
  } catch {
    const message = t('records.cannotLoad')
    return { fault: { message, start: 0, end: text.length } }
  }
}
