// Runs in Stryker's copy of the repository: gives it the dependencies of the repository, and workspaces of its own, so that what one
// package imports of another is the copy, too.
import { globSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

const { workspaces } = JSON.parse(readFileSync('package.json', 'utf8'))
const own = new Map(
  workspaces
    .flatMap((pattern) => globSync(`${pattern}/package.json`))
    .map((file) => [JSON.parse(readFileSync(file, 'utf8')).name, dirname(file)]),
)
// .stryker-tmp/<name of the copy>
const repository = resolve('../..')
const modules = join(repository, 'node_modules')

for (const name of readdirSync(modules)) {
  if (name !== '@streampay') link(join(modules, name), join('node_modules', name))
}
for (const [name, folder] of own) link(resolve(folder), join('node_modules', name))

function link(target, path) {
  mkdirSync(dirname(path), { recursive: true })
  symlinkSync(target, path)
}
