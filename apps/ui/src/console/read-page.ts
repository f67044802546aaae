import { http } from '../api/client.ts'
import type { TopicRecord } from '../api/types.ts'
import type { PageQuery } from './trace.ts'

/** A bounded stretch of a topic, oldest first. @throws ProblemError or UnreachableError */
export async function readPage(topic: string, { from, partition, limit }: PageQuery): Promise<readonly TopicRecord[]> {
  const query = new URLSearchParams({ from, limit: String(limit) })
  if (partition !== undefined) query.set('partition', String(partition))
  const page = await http.getJson<{ readonly items: readonly TopicRecord[] }>(
    `/console/topics/${encodeURIComponent(topic)}/records?${query}`,
  )
  return page.items
}
