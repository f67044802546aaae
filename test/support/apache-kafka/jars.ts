/** Jars that a pom.xml names, fetched once by Maven into the cache of the repository. Needs `mvn` the first time. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const cache = join(import.meta.dirname, '../../../.cache')
const fetchTimeoutMs = 180_000

export type Jars = {
  /** The pom.xml; its property `kafka.version` is set to `version`. */
  readonly pom: string
  readonly version: string
  /** The name of the folder in the cache, without the version. */
  readonly name: string
  /** The name of the jar whose presence means that all are there, without the version. */
  readonly main: string
}

/** The folder with the jars. */
export async function jarsOf({ pom, version, name, main }: Jars): Promise<string> {
  const folder = join(cache, `${name}-${version}`)
  if (existsSync(join(folder, `${main}-${version}.jar`))) return folder
  await mkdir(cache, { recursive: true })
  const fetched = await mkdtemp(join(cache, 'fetching-'))
  const goal = ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', '-DincludeScope=runtime']
  await run('mvn', [...goal, `-Dkafka.version=${version}`, `-DoutputDirectory=${fetched}`], { timeout: fetchTimeoutMs })
  await rm(folder, { recursive: true, force: true })
  await rename(fetched, folder)
  return folder
}
