// What the repository holds, for the tools that look at it.
import { execFileSync } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Files that git tracks, and new ones that it does not ignore, below `root`; without those that are deleted. */
export function repositoryFiles(root, ...patterns) {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--', ...patterns]
  const files = execFileSync('git', args, { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 ** 2 }).split('\0')
  return files.filter((file) => file !== '' && existsSync(join(root, file)))
}

/** What can be imported of the packages, in their order: `entry` is its name (`@streampay/kafka/wire`), `path` that in `exports`. */
export function entryPoints(root) {
  return globSync('packages/*/package.json', { cwd: root })
    .sort()
    .flatMap((manifest) => {
      const { name, exports } = JSON.parse(readFileSync(join(root, manifest), 'utf8'))
      const folder = dirname(manifest)
      return Object.entries(exports).map(([path, file]) => ({
        entry: join(name, path),
        path,
        file: join(folder, file),
      }))
    })
}
