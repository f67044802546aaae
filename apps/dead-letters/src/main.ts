/** `npm run dead-letters -- list|show|replay`: see the help text in options.ts. */
import { headerNames, topicNames } from '@streampay/domain'
import { type Cluster, clientOptionsFromEnv, openCluster } from '@streampay/kafka'
import { progressTo } from '@streampay/process'
import { startedBrokers } from '@streampay/process/run-file'
import { factsAbout } from './facts.ts'
import { refusalOf } from './judge.ts'
import { byTime, type Letter, lettersAt, lettersOf } from './letters.ts'
import { help, type Request, requestFrom, UsageError } from './options.ts'
import { listed, replayed, shown } from './print.ts'
import { expectsAnswer, type Replayed, replay } from './replay.ts'

const codes = { done: 0, notAll: 1, usage: 2, log: 3 } as const
type Code = (typeof codes)[keyof typeof codes]

const progress = progressTo(process.stderr, Date.now)

process.exitCode = await main()

async function main(): Promise<Code> {
  let request: Request | 'help'
  try {
    request = requestFrom(process.argv.slice(2), Date.now())
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    console.error(`${error.message} See npm run dead-letters -- --help`)
    return codes.usage
  }
  if (request === 'help') {
    console.log(help)
    return codes.done
  }
  let cluster: Cluster | undefined
  try {
    const env = { ...process.env, KAFKA_BROKERS: request.brokers ?? startedBrokers(process.env) }
    cluster = openCluster(clientOptionsFromEnv(env, 'streampay-dead-letters'))
    await cluster.ready({ timeoutMs: 10_000 })
    return await run(cluster, request)
  } catch (error) {
    progress.end()
    console.error(error instanceof Error ? error.message : String(error))
    return codes.log
  } finally {
    await cluster?.close()
  }
}

async function run(cluster: Cluster, request: Request): Promise<Code> {
  switch (request.action) {
    case 'list':
      return await list(cluster, request)
    case 'show':
      return await show(cluster, request)
    case 'replay':
      return await putBack(cluster, request)
  }
}

async function list(cluster: Cluster, { filter, limit }: Request): Promise<Code> {
  const lines: { readonly at: number; readonly text: string }[] = []
  let older = 0
  for await (const letter of lettersOf(cluster, filter, progress.told)) {
    lines.push({ at: letter.record.timestamp, text: listed(letter) })
    // Only the newest are wanted; sorting from time to time keeps memory bounded for any number of letters.
    if (lines.length >= 2 * limit) older += dropOldest(lines, limit)
  }
  progress.end()
  older += dropOldest(lines, limit)
  if (older > 0) console.log(`(${older} older ones are not shown; raise --limit or set --until)`)
  for (const { text } of lines) console.log(text)
  if (lines.length === 0) console.log('no dead letters')
  return codes.done
}

function dropOldest(lines: { readonly at: number }[], limit: number): number {
  lines.sort((left, right) => left.at - right.at)
  return lines.splice(0, Math.max(0, lines.length - limit)).length
}

async function show(cluster: Cluster, request: Request): Promise<Code> {
  const { letters, isComplete } = await chosen(cluster, request)
  for (const letter of letters) console.log(shown(letter))
  return isComplete ? codes.done : codes.notAll
}

async function putBack(cluster: Cluster, request: Request): Promise<Code> {
  const { letters, isComplete } = await chosen(cluster, request)
  const facts = await factsAbout(cluster, letters, { nowMs: Date.now(), told: progress.told })
  progress.end()
  const refusals = letters.map((letter): [Letter, string | undefined] => {
    const known = facts.get(letter)
    return [letter, known === undefined ? 'no facts about it could be read' : refusalOf(letter, known)]
  })
  const allowed = onceEach(refusals.flatMap(([letter, refusal]) => (refusal === undefined ? [letter] : [])))
  for (const [letter, refusal] of refusals) {
    if (refusal !== undefined) console.log(`${letter.id}  refused: ${refusal}`)
    else if (!allowed.includes(letter)) console.log(`${letter.id}  left out: an earlier letter has the same key`)
    else if (!request.yes) console.log(`${listed(letter)}\n      would be written to ${letter.origin.topic} again`)
  }
  const isEveryOneAllowed = refusals.every(([, refusal]) => refusal === undefined)
  if (!request.yes) {
    console.log(`${allowed.length} of ${letters.length} letters can be put back. Add --yes to do it.`)
    return isComplete && isEveryOneAllowed ? codes.done : codes.notAll
  }
  const results = allowed.length === 0 ? [] : await replay(cluster, allowed, { answersWithinMs: request.waitMs })
  for (const result of results) console.log(replayed(result, request.waitMs))
  return isComplete && isEveryOneAllowed && results.every(hasSucceeded) ? codes.done : codes.notAll
}

/** The selected letters, oldest first. Missing ones, and more than the limit, are reported. */
async function chosen(cluster: Cluster, request: Request): Promise<{ letters: Letter[]; isComplete: boolean }> {
  const { ids, filter, limit } = request
  if (ids.length > 0) {
    const letters = await lettersAt(cluster, ids)
    const found = new Set(letters.map(({ id }) => id))
    const missing = ids.map(({ partition, offset }) => `${partition}/${offset}`).filter((id) => !found.has(id))
    for (const id of missing) console.error(`There is no dead letter ${id}.`)
    return { letters: letters.sort(byTime), isComplete: missing.length === 0 }
  }
  const letters: Letter[] = []
  let left = 0
  for await (const letter of lettersOf(cluster, filter, progress.told)) {
    letters.push(letter)
    if (letters.length < 2 * limit) continue
    left += letters.length - limit
    letters.sort(byTime).splice(limit)
  }
  progress.end()
  left += Math.max(0, letters.length - limit)
  letters.sort(byTime).splice(limit)
  if (left > 0) console.error(`${left} more match; raise --limit or continue after these.`)
  return { letters, isComplete: true }
}

/**
 * For letters with the same key, the oldest one: the others would only repeat its outcome, under its correlation id.
 */
function onceEach(letters: readonly Letter[]): Letter[] {
  const seen = new Set<string>()
  return letters.filter(({ origin, record, headers, id }) => {
    const key = headers[headerNames.idempotencyKey]?.toString('utf8')
    const intent = origin.topic === topicNames.commands ? JSON.stringify([record.key?.toString('hex'), key]) : id
    if (seen.has(intent)) return false
    seen.add(intent)
    return true
  })
}

/** A refusal by the rules is an outcome; after a 5xx or no answer, an operator has to check again. */
function hasSucceeded({ letter, place, answer }: Replayed): boolean {
  if (place === undefined) return false
  return !expectsAnswer(letter) || (answer !== undefined && answer.status < 500)
}
