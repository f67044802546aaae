import { http } from '../api/client.ts'
import type { TopicRecord } from '../api/types.ts'
import type { Page, PageQuery } from './trace.ts'

/**
 * A bounded stretch of a topic, oldest first, and where the next one begins. @throws ProblemError or UnreachableError
 */
export async function readPage(topic: string, { from, after, partition, limit }: PageQuery): Promise<Page> {
  const query = new URLSearchParams({ limit: String(limit) })
  if (after === undefined) query.set('from', from)
  else query.set('lastEventId', after)
  if (partition !== undefined) query.set('partition', String(partition))
  const page = await http.getJson<{ readonly items: readonly TopicRecord[]; readonly next: string | null }>(
    `/console/topics/${encodeURIComponent(topic)}/records?${query}`,
  )
  return { items: page.items, next: page.next ?? undefined }
}
