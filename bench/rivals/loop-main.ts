/**
 * The exactly-once client loop in a process of its own: the four records that a payment makes at once, without decisions, state or routing.
 * All further cost is the work of a streams library.
 *
 *     loop-main.ts <name> <brokers, comma-separated>
 */
import { openCluster } from '@streampay/kafka'
import { onStopRequest } from '@streampay/process'
import { openProcessor } from '../support/exactly-once-loop.ts'
import { type PayCommand, topicsOf } from '../support/money-path.ts'

const [, , name = '', brokers = ''] = process.argv
const { commands, replies, transactions, balances } = topicsOf(name)
const cluster = openCluster({ brokers: brokers.split(','), clientId: name })
const processor = await openProcessor(cluster, {
  name,
  commands,
  effects({ value }) {
    const { id, payer, payee, amount } = JSON.parse(value) as PayCommand
    return [
      { topic: replies, key: id, value: JSON.stringify({ id, status: 200, balance: amount, replayed: false }) },
      { topic: transactions, key: payer, value: entry(id, payer, -amount) },
      { topic: transactions, key: payee, value: entry(id, payee, amount) },
      { topic: balances, key: payer, value: JSON.stringify({ account: payer, balance: amount }) },
    ]
  },
})
onStopRequest(() => {
  processor
    .stop()
    .then(() => cluster.close())
    .then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(error)
        process.exit(1)
      },
    )
})
process.send?.({ type: 'ready' })

function entry(transfer: string, account: string, amount: number): string {
  return JSON.stringify({ transfer, account, amount, applied: amount < 0 })
}
