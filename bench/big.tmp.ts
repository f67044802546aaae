import { readFileSync } from 'node:fs'
import { Children } from './harness/children.ts'
import { watchAnonymous } from './harness/meter.ts'
import { definitionsFor, somePorts, startService } from './support/services.ts'
const data = process.argv[2]!
const children = new Children()
const definitions = definitionsFor(data, await somePorts())
const t0 = performance.now()
const broker = await startService('broker', { children, definitions })
console.log('broker ready s', (performance.now() - t0) / 1000)
for (const what of ['without folder', 'with folder']) {
  const t = performance.now()
  let pid = 0
  const most = watchAnonymous()
  const gateway = await startService('gateway', { children, definitions, onSpawn: (p) => { pid = p; most.of(p) } })
  const s = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  console.log(what, 'seconds', (performance.now() - t) / 1000, 'cpu s', (Number(s[11]) + Number(s[12])) / 100, most.end(), readFileSync(`/proc/${pid}/status`, 'utf8').match(/RssAnon.*/)![0])
  const b = readFileSync(`/proc/${broker.pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  console.log('broker cpu s', (Number(b[11]) + Number(b[12])) / 100)
  await gateway.kill()
}
await broker.stop()
