/**
 * Finds a reply on the log by its correlation id alone: the id is the record's key, from which the partition follows, and has
 * the time of the request, from which the search begins. Used only if there were too many replies for the memory.
 */
import { type Admin, type Cluster, headerText, openReader, partitionForKey } from '@streampay/kafka'
import type { HeaderNames } from '../definition/definition.ts'
import { ProblemError } from '../shared/problem.ts'
import { type CommandReply, replyOf } from './replies.ts'

export type ReplyFinderOptions = {
  readonly cluster: Cluster
  readonly admin: Admin
  readonly topic: string
  readonly partitionCount: () => number
  readonly headers: HeaderNames
}

/** The number of searches at once; more wait in the client. */
const mostSearches = 2
const patienceMs = 3_000
const pollTimeoutMs = 500

export function openReplyFinder(options: ReplyFinderOptions) {
  let searching = 0
  return async (correlationId: string, requestTime: number): Promise<CommandReply | undefined> => {
    if (searching >= mostSearches) throw busy()
    searching++
    try {
      return await search(correlationId, requestTime, options)
    } finally {
      searching--
    }
  }
}

async function search(correlationId: string, requestTime: number, options: ReplyFinderOptions) {
  const { cluster, admin, topic, partitionCount, headers } = options
  const partition = partitionForKey(Buffer.from(correlationId), partitionCount())
  const [[first], [end]] = await Promise.all([
    admin.listOffsets([{ topic, partition }], { timestamp: requestTime }),
    admin.listOffsets([{ topic, partition }], 'latest', 'read_committed'),
  ])
  if (first === undefined || end === undefined || first.offset === -1) return undefined
  // As in the feed of replies: a missing reply means an unknown outcome.
  const reader = openReader(cluster, { onUndecodable: 'skip' })
  try {
    reader.assign([{ topic, partition, offset: first.offset }])
    let position = first.offset
    for (let idleMs = 0; position < end.offset && idleMs < patienceMs; ) {
      const fetches = await reader.poll({ timeoutMs: pollTimeoutMs })
      if (fetches.length === 0) idleMs += pollTimeoutMs
      for (const fetched of fetches) {
        const record = fetched.records.find(
          (candidate) => headerText(candidate.headers, headers.correlationId) === correlationId,
        )
        if (record !== undefined) return replyOf(record, headers)
        position = fetched.position
      }
    }
    if (position < end.offset) throw busy()
    return undefined
  } finally {
    await reader.close()
  }
}

function busy(): ProblemError {
  return new ProblemError('try-again', 'The gateway is still searching the log for the reply.', {
    headers: { 'retry-after': '1' },
  })
}
