import * as english from './en/wallet.ts'
import { translator } from './i18n.ts'
import { textPartsOf } from './text-parts.ts'

/** Translates the texts of the first page and of the frame around the pages. */
export const t = translator({ ...english })

/** The component for one of them with elements in it. */
export const TextParts = textPartsOf(t)
