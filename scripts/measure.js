// `node scripts/measure.js [seconds]`: starts StreamPay on an empty folder and free ports and tells what the README says:
// the time from the start to "ready" and to the first payment, and after a minute of simulation the memory of each process.
// Memory is PSS (Linux): what a process shares with others, such as Node's own code, is counted once, in shares.
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { request } from 'node:https'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { buildUi, compileServices, root, runScript, SetupError, setUp } from './setup.js'

const seconds = Number(process.argv[2] ?? 60)
const startTimeoutMs = 60_000

await runScript(async () => {
  await setUp()
  await buildUi()
  await compileServices()
  const data = mkdtempSync(join(tmpdir(), 'streampay-measure-'))
  const [port, brokerPort, identityPort] = await freePorts(3)
  const ports = ['--port', port, '--broker-port', brokerPort, '--identity-port', identityPort].map(String)
  const startedAt = performance.now()
  const child = spawn(process.execPath, [join(root, 'scripts/start.js'), '--data', data, ...ports], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise((resolve) => child.on('close', resolve))
  try {
    const deadline = startedAt + startTimeoutMs
    const ready = untilReady(child)
    const payment = await firstPayment({ port, deadline })
    console.log(`ready            ${secondsBetween(startedAt, await ready)} (set up; all services)`)
    console.log(`first payment    ${secondsBetween(startedAt, payment)}`)
    await delay(seconds * 1000)
    printMemory(data, child.pid)
  } finally {
    child.kill('SIGTERM')
    await ended
    rmSync(data, { recursive: true, force: true })
  }
  return 0
})

function secondsBetween(from, to) {
  return `${((to - from) / 1000).toFixed(1)} s`
}

/** @returns when the launcher said that everything is ready */
function untilReady(child) {
  let output = ''
  return new Promise((resolve, reject) => {
    child.stdout.on('data', (chunk) => {
      output += chunk
      if (output.includes('StreamPay is ready.')) resolve(performance.now())
    })
    child.on('close', () => reject(new SetupError(`StreamPay did not start:\n${output}`)))
  })
}

/** Signs in and pays as soon as anything answers. @returns when the payment was acknowledged */
async function firstPayment({ port, deadline }) {
  while (performance.now() < deadline) {
    try {
      const form = 'grant_type=urn:streampay:dev-token&client_id=streampay-ui&username=measure'
      const token = await post({ port, path: '/identity/token', type: 'application/x-www-form-urlencoded', body: form })
      const authorization = `Bearer ${JSON.parse(token.body).access_token}`
      const body = JSON.stringify({ userId: 'virtual-0001', amount: 100 })
      const reply = await post({ port, path: '/pay', type: 'application/json', body, headers: { authorization } })
      if (reply.status === 200) return performance.now()
    } catch (error) {
      // Not there yet.
      if (!(error instanceof Error)) throw error
    }
    await delay(50)
  }
  throw new SetupError('No payment was acknowledged within a minute.')
}

function post({ port, path, type, body, headers = {} }) {
  return new Promise((resolve, reject) => {
    const options = {
      host: 'localhost',
      port,
      path,
      method: 'POST',
      headers: { ...headers, 'content-type': type, 'content-length': Buffer.byteLength(body) },
      rejectUnauthorized: false,
    }
    const sent = request(options, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk) => {
        text += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode, body: text }))
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

function printMemory(data, startPid) {
  const run = join(data, 'run')
  const processes = readdirSync(run).map((file) => [
    file.replace('.pid', ''),
    readFileSync(join(run, file), 'utf8').trim(),
  ])
  const launcher = readFileSync(`/proc/${startPid}/task/${startPid}/children`, 'utf8').trim().split(' ')[0]
  processes.push(['launcher', launcher], ['start script', String(startPid)])
  let total = 0
  for (const [name, pid] of processes) {
    const megabytes = pssOf(pid)
    total += megabytes
    console.log(`${name.padEnd(16)} ${megabytes.toFixed(0).padStart(4)} MB`)
  }
  console.log(`${'together'.padEnd(16)} ${total.toFixed(0).padStart(4)} MB after ${seconds} s of simulation`)
}

function pssOf(pid) {
  const kilobytes = /^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1]
  return Number(kilobytes) / 1024
}

async function freePorts(count) {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => new Promise((resolve) => server.on('listening', resolve))))
  const ports = servers.map((server) => server.address().port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}
