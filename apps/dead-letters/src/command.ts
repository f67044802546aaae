/** What `npm run dead-letters` does with its command line: see the help text in options.ts. */
import { headerNames, topicNames } from '@streampay/domain'
import { type Cluster, clientOptionsFromEnv, openCluster } from '@streampay/kafka'
import { type Progress, type ProgressOutput, progressTo } from '@streampay/process'
import { startedBrokers } from '@streampay/process/run-file'
import { factsAbout } from './facts.ts'
import { refusalOf } from './judge.ts'
import { byTime, type Letter, lettersAt, lettersOf } from './letters.ts'
import { help, type Request, requestFrom, UsageError } from './options.ts'
import { listed, replayed, shown } from './print.ts'
import { expectsAnswer, type Replayed, replay } from './replay.ts'

const codes = { done: 0, notAll: 1, usage: 2, log: 3 } as const
type Code = (typeof codes)[keyof typeof codes]

/** The environment, outputs and clock of the process. */
export type Surroundings = {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdout: ProgressOutput
  readonly stderr: ProgressOutput
  readonly nowMs: () => number
}

type Terminal = {
  say(line: string): void
  complain(line: string): void
  readonly progress: { readonly told: Progress; readonly end: () => void }
  readonly nowMs: () => number
}

/** @returns the exit code of the process */
export async function deadLetters(
  args: readonly string[],
  { env, stdout, stderr, nowMs }: Surroundings,
): Promise<Code> {
  const terminal: Terminal = {
    say: (line) => stdout.write(`${line}\n`),
    complain: (line) => stderr.write(`${line}\n`),
    progress: progressTo(stderr, nowMs),
    nowMs,
  }
  let request: Request | 'help'
  try {
    request = requestFrom(args, nowMs())
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    terminal.complain(`${error.message} See npm run dead-letters -- --help`)
    return codes.usage
  }
  if (request === 'help') {
    terminal.say(help)
    return codes.done
  }
  let cluster: Cluster | undefined
  try {
    const settings = { ...env, KAFKA_BROKERS: request.brokers ?? startedBrokers(env) }
    cluster = openCluster(clientOptionsFromEnv(settings, 'streampay-dead-letters'))
    await cluster.ready({ timeoutMs: 10_000 })
    return await run({ cluster, ...terminal }, request)
  } catch (error) {
    terminal.progress.end()
    terminal.complain(error instanceof Error ? error.message : String(error))
    return codes.log
  } finally {
    await cluster?.close()
  }
}

type Run = Terminal & { readonly cluster: Cluster }

async function run(at: Run, request: Request): Promise<Code> {
  switch (request.action) {
    case 'list':
      return await list(at, request)
    case 'show':
      return await show(at, request)
    case 'replay':
      return await putBack(at, request)
  }
}

async function list({ cluster, say, progress }: Run, { filter, limit }: Request): Promise<Code> {
  const lines: { readonly at: number; readonly text: string }[] = []
  let older = 0
  for await (const letter of lettersOf(cluster, filter, progress.told)) {
    lines.push({ at: letter.record.timestamp, text: listed(letter) })
    // Only the newest are wanted; sorting from time to time keeps memory bounded for any number of letters.
    if (lines.length >= 2 * limit) older += dropOldest(lines, limit)
  }
  progress.end()
  older += dropOldest(lines, limit)
  if (older > 0) say(`(${older} older ones are not shown; raise --limit or set --until)`)
  for (const { text } of lines) say(text)
  if (lines.length === 0) say('no dead letters')
  return codes.done
}

function dropOldest(lines: { readonly at: number }[], limit: number): number {
  lines.sort((left, right) => left.at - right.at)
  return lines.splice(0, Math.max(0, lines.length - limit)).length
}

async function show(at: Run, request: Request): Promise<Code> {
  const { letters, isComplete } = await chosen(at, request)
  for (const letter of letters) at.say(shown(letter))
  return isComplete ? codes.done : codes.notAll
}

async function putBack(at: Run, request: Request): Promise<Code> {
  const { cluster, say, progress } = at
  const { letters, isComplete } = await chosen(at, request)
  const facts = await factsAbout(cluster, letters, { nowMs: at.nowMs(), told: progress.told })
  progress.end()
  const refusals = letters.map((letter): [Letter, string | undefined] => {
    const known = facts.get(letter)
    return [letter, known === undefined ? 'no facts about it could be read' : refusalOf(letter, known)]
  })
  const allowed = onceEach(refusals.flatMap(([letter, refusal]) => (refusal === undefined ? [letter] : [])))
  for (const [letter, refusal] of refusals) {
    if (refusal !== undefined) say(`${letter.id}  refused: ${refusal}`)
    else if (!allowed.includes(letter)) say(`${letter.id}  left out: an earlier letter has the same key`)
    else if (!request.yes) say(`${listed(letter)}\n      would be written to ${letter.origin.topic} again`)
  }
  const isEveryOneAllowed = refusals.every(([, refusal]) => refusal === undefined)
  if (!request.yes) {
    say(`${allowed.length} of ${letters.length} letters can be put back. Add --yes to do it.`)
    return isComplete && isEveryOneAllowed ? codes.done : codes.notAll
  }
  const results = allowed.length === 0 ? [] : await replay(cluster, allowed, { answersWithinMs: request.waitMs })
  for (const result of results) say(replayed(result, request.waitMs))
  return isComplete && isEveryOneAllowed && results.every(hasSucceeded) ? codes.done : codes.notAll
}

/** The selected letters, oldest first. Missing ones, and more than the limit, are reported. */
async function chosen(
  { cluster, complain, progress }: Run,
  request: Request,
): Promise<{ letters: Letter[]; isComplete: boolean }> {
  const { ids, filter, limit } = request
  if (ids.length > 0) {
    const letters = await lettersAt(cluster, ids)
    const found = new Set(letters.map(({ id }) => id))
    const missing = ids.map(({ partition, offset }) => `${partition}/${offset}`).filter((id) => !found.has(id))
    for (const id of missing) complain(`There is no dead letter ${id}.`)
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
  if (left > 0) complain(`${left} more match; raise --limit or continue after these.`)
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
