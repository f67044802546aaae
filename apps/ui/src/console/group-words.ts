import { isKeyOf } from '../app/is-key-of.ts'
import { t } from '../i18n/console.ts'

/** The states of consumer groups in words, as the protocol names them (KIP-518, KIP-848). */
const states = {
  Stable: 'groups.stable',
  Empty: 'groups.empty',
  Dead: 'groups.dead',
  PreparingRebalance: 'groups.joining',
  CompletingRebalance: 'groups.assigning',
  Assigning: 'groups.assigning',
  Reconciling: 'groups.reconciling',
} as const

export function groupStateWords(state: string): string {
  return isKeyOf(states, state) ? t(states[state]) : state || t('groups.unknownState')
}
