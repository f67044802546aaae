/**
 * The repository as it is now, committed or not, in an empty folder. Its dependencies are not installed again: each is a link to the one
 * that is installed here, but for our own packages, which are those of the copy.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { repositoryFiles } from '../../scripts/repository.js'

/** What tools write beside the dependencies; it knows the paths of the original. */
const kept = new Set(['.cache', '.vite', '.vite-temp', '.vitest-cache'])
const ours = '@streampay'

/** With them a copy whose UI is unchanged need not build it. */
const builtUi = ['apps/ui/dist', 'apps/ui/node_modules', 'node_modules/.cache/streampay/ui-build']

export function copyRepository(root: string, copy: string): void {
  for (const file of repositoryFiles(root)) cpSync(join(root, file), join(copy, file))
  // Biome asks git which files are ignored.
  execFileSync('git', ['init', '--quiet', '--initial-branch', 'main'], { cwd: copy })
  linkModules(join(root, 'node_modules'), join(copy, 'node_modules'))
  if (builtUi.every((path) => existsSync(join(root, path)))) {
    for (const path of builtUi) cpSync(join(root, path), join(copy, path), { recursive: true })
  }
}

function linkModules(from: string, to: string): void {
  mkdirSync(join(to, ours), { recursive: true })
  for (const name of readdirSync(from)) {
    if (name !== ours && !kept.has(name)) symlinkSync(join(from, name), join(to, name))
  }
  // These are links to `../../packages/kafka`: the same words mean the copy's.
  cpSync(join(from, ours), join(to, ours), { recursive: true, verbatimSymlinks: true })
}
