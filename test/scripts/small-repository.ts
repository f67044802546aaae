import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

/** A git repository with these files, until the test ends. @returns its folder */
export function smallRepository(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'streampay-scripts-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  execFileSync('git', ['init', '--quiet'], { cwd: folder })
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  return folder
}

/** Runs a script of this repository in another one. @returns its exit code, and the faults it prints */
export function runIn(
  folder: string,
  script: string,
  ...args: readonly string[]
): { code: number | null; faults: string[] } {
  const path = fileURLToPath(new URL(`../../scripts/${script}`, import.meta.url))
  const { status, stderr } = spawnSync(process.execPath, [path, ...args], { cwd: folder, encoding: 'utf8' })
  return { code: status, faults: stderr.split('\n').filter((line) => line !== '') }
}
