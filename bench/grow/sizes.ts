/** What a history takes on the disk. */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** Bytes by topic, the largest first, with what lies beside them; of sparse files what is taken. */
export function sizesOf(data: string): Map<string, number> {
  const topics = join(data, 'broker/topics')
  const sizes = readdirSync(topics).map((folder): [string, number] => [
    `topic ${folder.replace(/\.[^.]*$/, '')}`,
    bytesBelow(join(topics, folder)),
  ])
  const state = join(data, 'state')
  const kept = existsSync(state) ? readdirSync(state) : []
  for (const name of kept) sizes.push([`state ${name}`, bytesBelow(join(state, name))])
  return new Map(sizes.sort(([, left], [, right]) => right - left))
}

const bytesOfBlock = 512

function bytesBelow(folder: string): number {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => statSync(join(entry.parentPath, entry.name)))
    .reduce((sum, { size, blocks }) => sum + Math.min(size, blocks === 0 ? size : blocks * bytesOfBlock), 0)
}
