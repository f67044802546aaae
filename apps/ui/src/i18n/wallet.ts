import * as english from './en/wallet.ts'
import { translator } from './i18n.ts'
import { textPartsOf } from './text-parts.ts'

/** Says the texts of the first page and of everything around the pages. */
export const t = translator({ ...english })

/** Says one of them with elements in it. */
export const TextParts = textPartsOf(t)
