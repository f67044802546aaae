/** What a command had to find in the table of all requests, by how far its process had read that. */
import { describe, expect, it } from 'vitest'
import { StoredLog } from '../../packages/streams/test/support/stored-log.ts'
import { requestsTopic } from './cluster.ts'
import { LookupJudge } from './judge-lookups.ts'
import type { Lookup } from './naive-bank.ts'

const at = { topic: requestsTopic, partition: 0 }
const id = 'r0-1'

/** Each in a transaction of its own, so that its marker follows; the second is aborted. */
function logOf(): StoredLog {
  const stored = new StoredLog({ topics: [requestsTopic, 'commands'], partitionCount: 1 })
  for (const [value, state] of [
    ['{}', 'committed'],
    [null, 'aborted'],
    [null, 'committed'],
  ] as const) {
    const transaction = stored.begin('payments')
    stored.append({ topic: requestsTopic, key: id, value }, transaction)
    stored.decide(transaction, state)
    stored.writeMarker(transaction, stored.partition(at).key)
  }
  return stored
}

function faultOf(stored: StoredLog, found: Lookup['found'], upTo: number): string | undefined {
  const clients = { profiles: [], writtenAt: () => ({ atStep: 0, elapsed: 0 }) }
  const command = stored.append({ topic: 'commands', key: 'ann', value: '{}' })
  const input = { topic: 'commands', partition: 0, offset: command.offset, requestsUpTo: [upTo] }
  return new LookupJudge(clients, stored).faultOf(
    { table: 'requests', id, found, command },
    { transaction: undefined, input },
  )
}

describe("a lookup of another task's request", () => {
  it.each([
    ['nothing of it was read', 0, 'unknown', 'known'],
    ['its first version was read', 1, 'known', 'unknown'],
    ['what was read since was aborted', 4, 'known', 'unknown'],
    ['its tombstone was read', 5, 'unknown', 'known'],
  ] as const)('has one answer when %s', (_, upTo, right, wrong) => {
    expect(faultOf(logOf(), right, upTo)).toBeUndefined()
    expect(faultOf(logOf(), wrong, upTo)).toContain(`the table had been read up to ${upTo}`)
  })

  it('may have either where compaction has removed the version since', () => {
    const stored = logOf()
    stored.partition(at).compact({ now: 0, deleteRetentionMs: 1 })
    expect(faultOf(stored, 'known', 4)).toBeUndefined()
    expect(faultOf(stored, 'unknown', 4)).toBeUndefined()
    expect(faultOf(stored, 'known', 5)).toBeDefined()
  })
})
