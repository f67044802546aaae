import { t } from '../i18n/wallet.ts'

/** The pages of the console, in the order of its navigation. */
export function consolePlaces() {
  return [
    { to: '/topics', label: t('titles.topics') },
    { to: '/groups', label: t('titles.groups') },
    { to: '/open-transactions', label: t('titles.transactions') },
    { to: '/dead-letters', label: t('titles.deadLetters') },
    { to: '/trace', label: t('titles.trace') },
  ] as const
}
