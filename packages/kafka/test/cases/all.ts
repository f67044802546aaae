import { describe } from 'vitest'
import type { LogUnderTest } from '../support/log-under-test.ts'
import { administeringCases } from './administering.ts'
import { groupCases, groupRestartCases } from './groups.ts'
import { producingCases, producingRestartCases } from './producing.ts'
import { readingCases, readingRestartCases } from './reading.ts'
import { refusedAdministrationCases } from './refused-administration.ts'
import { topicConfigCases } from './topic-configs.ts'
import { transactionCases, transactionRestartCases } from './transactions.ts'

/** What the client layer promises on every log. The log is started once for all of them. */
export function clientCases(theLog: () => LogUnderTest): void {
  describe('transactions', () => transactionCases(theLog))
  describe('transactions before KIP-890', () => transactionCases(theLog, { transactionVersion: 1 }))
  describe('producing', () => producingCases(theLog))
  describe('reading', () => readingCases(theLog))
  describe('groups', () => groupCases(theLog))
  describe('administering', () => administeringCases(theLog))
  topicConfigCases(theLog)
  refusedAdministrationCases(theLog)
  describe('a log that is restarted', () => {
    producingRestartCases(theLog)
    transactionRestartCases(theLog)
    readingRestartCases(theLog)
    groupRestartCases(theLog)
  })
}
