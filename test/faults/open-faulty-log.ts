/** Opens the log that the run is for. */

import { openEmbedded } from './embedded-log.ts'
import type { FaultyLog, Places } from './faulty-log.ts'
import { openKafka } from './kafka-log.ts'
import type { KeptProcessOptions } from './kept-process.ts'

export const logNames = ['embedded', 'kafka', 'kafka3', 'kafka39'] as const
export type LogName = (typeof logNames)[number]

export function openFaultyLog(
  name: LogName,
  places: Places,
  onOwnExit: KeptProcessOptions['onOwnExit'],
): Promise<FaultyLog> {
  switch (name) {
    case 'embedded':
      return openEmbedded(places, onOwnExit)
    case 'kafka':
      // From 4.1 to 4.3 a single node may lose markers (KAFKA-20734, docs/reliability.md): this is the newest version before.
      return openKafka(places, { nodes: 1, version: '4.0.1' })
    case 'kafka3':
      return openKafka(places, { nodes: 3, version: '4.3.1' })
    case 'kafka39':
      return openKafka(places, { nodes: 1, version: '3.9.2' })
  }
}
