// `npm run rooms`: draws the imports between packages and apps, with their folders, into docs/images/rooms.svg. With `--check` it compares
// the picture with the present imports, and exits 1 if they differ. It looks at the repository in which it is called.
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runScript, setUp, toolEnvironment } from './setup.js'

const picture = 'docs/images/rooms.svg'
/** The app or package of a file. */
const part = /^((?:packages|apps)\/[^/]+)\/src\//

await runScript(async () => {
  await setUp()
  const drawn = await draw(importsOf())
  if (!process.argv.includes('--check')) {
    writeFileSync(picture, drawn)
    console.log(`drawn: ${picture}`)
  } else if (readFileSync(picture, 'utf8') !== drawn) {
    console.error(`${picture} is not the picture of the imports: make it again with \`npm run rooms\``)
    return 1
  }
  return 0
})

/** The imports of each app and package. */
function importsOf() {
  const args = ['--config', '.dependency-cruiser.cjs', '--output-type', 'json', 'packages', 'apps']
  const cruised = execFileSync('depcruise', args, { env: toolEnvironment(), maxBuffer: 256 * 1024 * 1024 })
  const imports = new Map()
  for (const { source, dependencies } of JSON.parse(cruised.toString()).modules) {
    const [, from] = part.exec(source) ?? []
    if (from === undefined) continue
    const to = imports.get(from) ?? new Set()
    imports.set(from, to)
    for (const { resolved } of dependencies) {
      const [, name] = part.exec(resolved) ?? []
      if (name !== undefined && name !== from) to.add(name)
    }
  }
  return new Map([...imports].sort())
}

async function draw(imports) {
  // Only now: in a fresh clone it is installed above.
  const { instance } = await import('@viz-js/viz')
  const viz = await instance()
  const nodes = [...imports.keys()]
  const svg = viz.renderString(
    {
      directed: true,
      graphAttributes: { rankdir: 'TB', bgcolor: 'white', nodesep: 0.1, ranksep: 0.8 },
      nodeAttributes: {
        shape: 'box',
        style: 'filled,rounded',
        fontname: 'Helvetica',
        fontsize: 13,
        margin: '0.3,0.08',
        color: '#64748b',
      },
      edgeAttributes: { color: '#94a3b8', arrowsize: 0.6 },
      nodes: nodes.map((name) => ({
        name,
        attributes: { label: labelOf(name), fillcolor: name.startsWith('apps/') ? '#e0f2fe' : '#fef3c7' },
      })),
      edges: nodes.flatMap((tail) => [...imports.get(tail)].sort().map((head) => ({ tail, head }))),
    },
    { format: 'svg' },
  )
  return svg.replace(/<svg[^>]*>/, '$&\n<title>What imports what</title>')
}

/** Its name, and below it the folders of its sources. */
function labelOf(name) {
  const rooms = readdirSync(join(name, 'src'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort()
  const lines = []
  for (let at = 0; at < rooms.length; at += 3) lines.push(rooms.slice(at, at + 3).join(' · '))
  const small = lines.map((line) => `<br/><font point-size="9" color="#475569">${line}</font>`).join('')
  return { html: `<b>${name}</b>${small}` }
}
