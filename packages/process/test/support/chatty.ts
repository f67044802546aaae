/**
 * A service for the tests of the logger: logs LINES lines, then exits at once, or waits to be asked to stop. With LATE it
 * listens for that only after its parent has left.
 */
import { once } from 'node:events'
import { onStopRequest, openLogger, tellParent } from '../../src/index.ts'

const { LINES = '0', STAY, LATE, LOG_LEVEL } = process.env
const logger = openLogger({ name: 'chatty', level: LOG_LEVEL })
for (let line = 0; line < Number(LINES); line++) logger.info({ text: 'x'.repeat(1000) }, 'a line')

if (STAY === undefined) process.exit(3)
if (LATE !== undefined) await once(process, 'disconnect')
const keepAlive = setInterval(() => logger.info('still here'), 5)
onStopRequest((reason) => {
  clearInterval(keepAlive)
  logger.info({ reason }, 'stopping')
  process.exit(reason === 'SIGTERM' ? 0 : 4)
})
tellParent({ type: 'ready', detail: '' })
