import { type Words, wordsOf } from '../api/problems.ts'
import { t } from '../i18n/pages.ts'
import { StatementMovesError, StatementTooLongError } from './read-statement.ts'

/** Why a statement could not be read as a whole. */
export function wordsForReading(error: unknown): Words {
  if (error instanceof StatementTooLongError) {
    return {
      title: t('statement.tooLong'),
      detail: t('statement.tooLongDetail', { entries: error.maxEntries }),
    }
  }
  if (error instanceof StatementMovesError) {
    return {
      title: t('statement.beingCounted'),
      detail: t('statement.beingCountedDetail'),
    }
  }
  return wordsOf(error)
}
