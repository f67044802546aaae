/**
 * The money path on @streampay/streams in a process of its own, with the limits and the kind of state that payments have.
 *
 *     money-path-main.ts <name> <brokers, comma-separated> <folder>
 */
import { openCluster } from '@streampay/kafka'
import { onStopRequest, openLogger } from '@streampay/process'
import { runTopology } from '@streampay/streams'
import { moneyPath } from '../support/money-path.ts'

const maxStateBytes = 32 * 1024 ** 3

const [, , name = '', brokers = '', folder = ''] = process.argv
const logger = openLogger({ level: 'warn' })
const cluster = openCluster({ brokers: brokers.split(','), clientId: name, logger })
await cluster.ready()
const running = runTopology(moneyPath(name), { cluster, slot: 0, logger, state: { folder, maxBytes: maxStateBytes } })
running.done.catch(fail)
onStopRequest(() => {
  running
    .close({ leave: true })
    .then(() => cluster.close())
    .then(() => process.exit(0), fail)
})
await running.ready
process.send?.({ type: 'ready' })

function fail(error: unknown): never {
  console.error(error)
  process.exit(1)
}
