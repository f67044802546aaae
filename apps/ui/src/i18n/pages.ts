import * as english from './en/pages.ts'
import * as wallet from './en/wallet.ts'
import { translator } from './i18n.ts'
import { textPartsOf } from './text-parts.ts'

/** Translates the texts of the wallet's other pages, too. */
export const t = translator({ ...wallet, ...english })

/** The component for one of them with elements in it. */
export const TextParts = textPartsOf(t)
