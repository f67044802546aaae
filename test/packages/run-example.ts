/** Runs an example as its reader would, and gives what it shows. */
import { execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { type RequestOptions, request } from 'node:https'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { createBroker } from '@streampay/broker'
import { openAdmin, openCluster, openTransactionalProducer } from '@streampay/kafka'

export async function printedBy(file: string, { project, node }: { project: string; node: string }): Promise<string> {
  if (file.endsWith('.test.ts')) return testsOf(file, { project, node })
  if (file === 'gateway-page.ts') return pageOf(file, { project, node })
  return run(node, ['--no-warnings', file], project).trim()
}

export function run(
  program: string,
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv = process.env,
): string {
  return execFileSync(program, args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
}

function testsOf(file: string, { project, node }: { project: string; node: string }): string {
  const env = { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined }
  const printed = run(node, ['--no-warnings', 'node_modules/vitest/vitest.mjs', 'run', file], project, env)
  return /Tests +(.*)/.exec(printed)?.[1] ?? printed
}

/** Starts the page, looks at it as a browser would, and ends it by Ctrl-C. */
async function pageOf(file: string, { project, node }: { project: string; node: string }): Promise<string> {
  const env = { ...process.env, PORT: '0' }
  const page = spawn(node, ['--no-warnings', file], { cwd: project, env, stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(page, 'exit')
  const said = once(createInterface(page.stdout), 'line').then(([line]) => String(line))
  const line = await Promise.race([said, exited.then(([code]) => `it ended with ${code}`)])
  const [, port] = /:(\d+)\//.exec(line) ?? []
  if (port === undefined) throw new Error(`${file} does not say where it is: ${line}`)
  const seen = await seenAt(Number(port)).finally(() => page.kill('SIGINT'))
  const [code] = await exited
  if (code !== 0) throw new Error(`${file} ended with ${code}`)
  return seen
}

/** Says hello, and looks at the live view until it is there. */
async function seenAt(port: number): Promise<string> {
  const html = await text(await ask(port, '/', { headers: { accept: 'text/html' } }))
  const script = await text(await ask(port, '/page.js'))
  if (!html.includes('/page.js') || !script.includes('/greetings')) throw new Error(`the page is not served: ${html}`)
  const { token } = JSON.parse(await text(await ask(port, '/config.json'))) as { readonly token: string }
  const authorization = `Bearer ${token}`
  const events = await ask(port, '/greetings', { headers: { authorization, accept: 'text/event-stream' } })
  const headers = { authorization, 'content-type': 'application/json', 'idempotency-key': 'hello' }
  await text(await ask(port, '/greet', { method: 'POST', headers }, JSON.stringify({ text: 'hello' })))
  return firstGreeting(events)
}

async function ask(port: number, path: string, options: RequestOptions = {}, body?: string): Promise<IncomingMessage> {
  // The certificate was made for this run alone.
  const asked = request({ host: '127.0.0.1', port, path, rejectUnauthorized: false, ...options })
  asked.end(body)
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  if (response.statusCode !== 200) throw new Error(`${path} is answered ${response.statusCode}`)
  return response
}

async function firstGreeting(events: IncomingMessage): Promise<string> {
  for await (const line of createInterface(events)) {
    const data = /^data: (.*"text".*)$/.exec(line)?.[1]
    if (data === undefined) continue
    const { from, text } = JSON.parse(data) as { readonly from: string; readonly text: string }
    return `${from}: ${text}`
  }
  throw new Error('the live view ended before it showed the greeting')
}

/** A ledger with a payment, one that was aborted, and what is no payment. Resolves with what `show` gives of it. */
export async function withLedger<T>(show: (brokers: string) => Promise<T>): Promise<T> {
  await using broker = await createBroker()
  const cluster = openCluster({ brokers: [broker.brokers], clientId: 'ledger' })
  await openAdmin(cluster).createTopics([{ name: 'transactions', partitions: 4 }])
  const producer = await openTransactionalProducer(cluster, { transactionalId: 'ledger' })
  const write = async (amount: number, isGood: boolean, rest: object) => {
    const [payer, payee] = ['ada', 'grace'] as const
    const side = (account: string, counterparty: string, cents: number) => {
      const value = JSON.stringify({ account, counterparty, amount: cents, ...rest })
      return { topic: 'transactions', key: account, value }
    }
    producer.begin()
    await producer.send([side(payer, payee, -amount), side(payee, payer, amount)])
    await (isGood ? producer.commit() : producer.abort())
  }
  await write(100_000, true, { kind: 'opening' })
  await write(1_250, true, { kind: 'payment', notes: 'tea' })
  await write(99_900, false, { kind: 'payment' })
  await producer.close()
  await cluster.close()
  // Awaited: the broker is there until it is over.
  return await show(broker.brokers)
}

/** The same while this process goes on: it has the log that is read. */
export async function runBeside(program: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv) {
  const { stdout } = await promisify(execFile)(program, args, { cwd, env })
  return stdout.trim()
}

/** Of the virtual environment that `.ci/install-peers` makes; undefined without it. */
export function pythonBelow(root: string): string | undefined {
  const python = join(root, '.ci/.cache/python/bin/python')
  return existsSync(python) ? python : undefined
}

/** `go` of examples/read-from-go/go.mod is 1.26. */
const leastGo = 26

/** Whether there is a Go that the example works with. */
export function hasGo(): boolean {
  try {
    // An older Go would otherwise fetch a newer one.
    const version = execFileSync('go', ['version'], { encoding: 'utf8', env: { ...process.env, GOTOOLCHAIN: 'local' } })
    const [, major = '', minor = ''] = /go(\d+)\.(\d+)/.exec(version) ?? []
    return Number(major) > 1 || Number(minor) >= leastGo
  } catch {
    return false
  }
}
