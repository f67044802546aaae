import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Moment } from '@streampay/process'

/** `at` in ms, on a clock that all processes of the machine share. */
export type Stamped = Moment & { readonly at: number }

/** The folder into which processes write their moments. */
export const folderVariable = 'STREAMPAY_MOMENTS_DIR'

/** The moments of all processes, in the order of time. */
export function momentsIn(folder: string): Stamped[] {
  const lines = readdirSync(folder).flatMap((file) => readFileSync(join(folder, file), 'utf8').split('\n'))
  const moments = lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Stamped)
  return moments.sort((a, b) => a.at - b.at)
}
