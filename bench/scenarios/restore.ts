import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { openCluster } from '@streampay/kafka'
import { startMeter, watchAnonymous } from '../harness/meter.ts'
import { inTurns, type Subject } from '../harness/rounds.ts'
import type { Sample, Scenario } from '../harness/scenario.ts'
import { untilAnswered, untilUsersAreRead } from '../support/answers.ts'
import { type Bank, brokersOf, copyOfBank, leave, startPayments } from '../support/large-bank.ts'
import { changelogTopics } from '../support/large-state.ts'
import { definitionsFor, root, somePorts, startService } from '../support/services.ts'

/**
 * A payments process is killed; the time is from the kill until every partition has answered a command. In its slot it is started again at
 * once, with its local state and without; or another process takes over, after the session of 6 s. CPU is that of the process which
 * answers, since its start (or since the kill, if it ran before).
 */
export const restore: Scenario = {
  name: 'restore',
  summary: 'a payments process with much state is killed: until all partitions answer again',
  options: {
    accounts: { type: 'string', fallback: '1e5', help: 'open accounts' },
    keys: { type: 'string', fallback: '1e6', help: 'idempotency keys of the last hour' },
    rounds: { type: 'string', fallback: '3', help: 'of each, in turns' },
    takeover: {
      type: 'boolean',
      fallback: false,
      help: 'another process takes over, too: with and without a standby',
    },
  },
  plots: [{ figure: 'answerSeconds', title: 'From the kill until all partitions answered, seconds' }],
  maxMinutes: 120,
  async run(run) {
    const state = { accounts: run.count('accounts'), keys: run.count('keys') }
    const data = await copyOfBank(state, run)
    const definitions = definitionsFor(data, await somePorts(), ['--slots', '2'])
    const broker = await startService('broker', { children: run.children, definitions })
    const cluster = openCluster({ brokers: [brokersOf(definitions)], clientId: 'bench' })
    await cluster.ready()
    const bank = { run, data, definitions, cluster, keys: state.keys }
    const subjects = [
      restart(bank, { keepsState: true }),
      restart(bank, { keepsState: false }),
      readAlone(bank),
      ...(run.flag('takeover') ? [takeover(bank, { standbys: 0 }), takeover(bank, { standbys: 1 })] : []),
    ]
    const values = await inTurns(subjects, { rounds: run.count('rounds') })
    await cluster.close()
    await broker.stop()
    rmSync(data, { recursive: true, force: true })
    const name = `${state.accounts.toLocaleString('en')} accounts, ${state.keys.toLocaleString('en')} keys`
    return {
      measurements: [...values].map(([subject, samples]) => ({ subject, case: name, unit: 'restart', samples })),
    }
  },
}

function restart(bank: Bank, { keepsState }: { readonly keepsState: boolean }): Subject<Sample> {
  return {
    name: keepsState ? 'in its slot, with its state folder' : 'in its slot, without its state folder',
    async run() {
      const first = await startPayments(bank)
      await untilAnswered(bank.cluster)
      await untilUsersAreRead(bank.cluster)
      const killedAt = performance.now()
      await first.kill()
      if (!keepsState) rmSync(join(bank.data, 'state'), { recursive: true, force: true })
      const most = watchAnonymous()
      const second = await startPayments(bank, { onSpawn: most.of })
      await untilAnswered(bank.cluster)
      const answerSeconds = (performance.now() - killedAt) / 1000
      const processes = startMeter({ payments: second.pid }, { sinceStart: true }).end(1)
      const figures = { answerSeconds, ...most.end() }
      await leave(bank, second)
      return { figures, processes }
    },
  }
}

function takeover(bank: Bank, { standbys }: { readonly standbys: number }): Subject<Sample> {
  return {
    name: standbys > 0 ? 'by a standby' : 'by another',
    async run() {
      const [first, second] = [
        await startPayments(bank, { standbys }),
        await startPayments(bank, { name: 'payments-1', standbys }),
      ]
      await untilAnswered(bank.cluster)
      await untilUsersAreRead(bank.cluster)
      const meter = startMeter({ payments: second.pid })
      const killedAt = performance.now()
      await first.kill()
      await untilAnswered(bank.cluster)
      const answerSeconds = (performance.now() - killedAt) / 1000
      const processes = meter.end(1)
      await leave(bank, second)
      return { figures: { answerSeconds }, processes }
    },
  }
}

function readAlone({ run, definitions }: Bank): Subject<Sample> {
  return {
    name: 'limit: the same topics are read, and nothing is done',
    async run() {
      const startedAt = performance.now()
      const main = join(root, 'bench/rivals/read-main.ts')
      const child = await run.children.node([main, brokersOf(definitions), changelogTopics().join(',')])
      await child.message('ready')
      const answerSeconds = (performance.now() - startedAt) / 1000
      const processes = startMeter({ reader: child.pid }, { sinceStart: true }).end(1)
      await child.kill()
      return { figures: { answerSeconds }, processes }
    },
  }
}
