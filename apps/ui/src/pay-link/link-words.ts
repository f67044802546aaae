import type { Words } from '../api/problems.ts'
import { t } from '../i18n/pages.ts'
import type { LinkFault } from './pay-link.ts'

/**
 * Why a link can't be used, in the form's words. Not in the file that reads links: that is loaded with the first page, these texts are not.
 */
export function wordsForLink(fault: LinkFault | 'own'): Words {
  switch (fault) {
    case 'amount':
      return { title: t('payLink.cantBeUsed'), detail: t('payLink.wrongAmount') }
    case 'note':
      return { title: t('payLink.cantBeUsed'), detail: t('payLink.wrongNote') }
    case 'own':
      return { title: t('payLink.isYourOwn'), detail: t('payLink.isForOthers') }
  }
}
