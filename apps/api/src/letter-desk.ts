/** Dead letters by the rules of `npm run dead-letters`, within the limits of a request. */
import type { LetterDesk } from '@streampay/gateway'

/** Some seconds of reading; the tool has no such limit. */
const mostOffsets = 200_000
const answersWithinMs = 8_000

/** Its code is loaded with the first letter, because it includes all that reads a letter. */
const desk = () => import('@streampay/dead-letters')

export const letterDesk: LetterDesk = {
  async judge(cluster, place) {
    const { judgeLetter } = await desk()
    return judgeLetter(cluster, place, { nowMs: cluster.clock.now(), mostOffsets })
  },
  async putBack(cluster, place) {
    const { putLetterBack } = await desk()
    return putLetterBack(cluster, place, { nowMs: cluster.clock.now(), mostOffsets, answersWithinMs })
  },
}
