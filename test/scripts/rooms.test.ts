import { mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { runIn, smallRepository } from './small-repository.ts'

const picture = 'docs/images/rooms.svg'
/** The script asks the repository's own rules how imports are resolved. */
const rules = readFileSync(join(import.meta.dirname, '../../.dependency-cruiser.cjs'), 'utf8')

const sources = {
  'packages/log/package.json': JSON.stringify({ name: '@a/log', exports: { '.': './src/index.ts' } }),
  'packages/log/src/index.ts': "export { read } from './reader/read.ts'",
  'packages/log/src/reader/read.ts': "import { readFileSync } from 'node:fs'\nexport const read = readFileSync",
  'packages/log/src/wire/bytes.ts': 'export type Bytes = Buffer',
  'packages/log/src/admin/topics.ts': '',
  'packages/log/src/producer/send.ts': '',
  // Tests may import more than the sources do: they are not in the picture.
  'packages/log/test/read.test.ts': "import '../../pay/src/pay.ts'",
  'packages/pay/src/pay.ts': "import type { Bytes } from '../../log/src/wire/bytes.ts'\nexport type Paid = Bytes",
  'apps/ui/src/main.ts': "import { read } from '@a/log'\nimport { page } from './page.ts'\nread(page)",
  'apps/ui/src/page.ts': "export const page = 'page'",
}

/** A repository of two packages and an app, whose dependencies are linked as npm links them. */
function repository(more: Readonly<Record<string, string>> = {}): string {
  const folder = smallRepository({
    ...sources,
    '.dependency-cruiser.cjs': rules,
    'tsconfig.json': '{}',
    [picture]: '',
    ...more,
  })
  mkdirSync(join(folder, 'node_modules/@a'), { recursive: true })
  symlinkSync('../../packages/log', join(folder, 'node_modules/@a/log'))
  return folder
}

let kept: string | undefined

/** The picture of the sources above. It is drawn once: a run of the script takes seconds. */
function ownPicture(): string {
  if (kept === undefined) {
    const folder = repository()
    expect(runIn(folder, 'rooms.js')).toEqual({ code: 0, faults: [] })
    kept = readFileSync(join(folder, picture), 'utf8')
  }
  return kept
}

/** What a picture has: its title, each box with the lines in it, each arrow. */
function contentOf(svg: string) {
  const [, title] = /<title>(.*)<\/title>/.exec(svg) ?? []
  const groups = [...svg.matchAll(/<g id="(?:node|edge)\d+".*?<\/g>/gs)].map(([group]) => plain(group))
  const textsOf = (group: string) => [...group.matchAll(/<text[^>]*>(.*?)<\/text>/g)].map(([, text]) => text)
  const titleOf = (group: string) => /<title>(.*)<\/title>/.exec(group)?.[1] ?? ''
  const boxes = groups.filter((group) => group.includes('class="node"'))
  return {
    title,
    boxes: Object.fromEntries(boxes.map((group) => [titleOf(group), textsOf(group)])),
    arrows: groups.filter((group) => group.includes('class="edge"')).map(titleOf),
  }
}

function plain(svg: string): string {
  return svg.replaceAll('&#45;', '-').replaceAll('-&gt;', ' → ').replaceAll('->', ' → ').replaceAll('&#160;', ' ')
}

it('draws each app and package with the folders of its sources, and an arrow for what imports what', () => {
  expect(contentOf(ownPicture())).toEqual({
    title: 'What imports what',
    boxes: {
      'apps/ui': ['apps/ui'],
      'packages/log': ['packages/log', 'admin · producer · reader', 'wire'],
      'packages/pay': ['packages/pay'],
    },
    // By name and by path, of values and of types; neither within a package, nor of tests, nor of what is from outside.
    arrows: ['apps/ui → packages/log', 'packages/pay → packages/log'],
  })
})

it('accepts the picture of its imports, also when files and imports were added that are not in it', () => {
  const folder = repository({
    [picture]: ownPicture(),
    'packages/log/src/wire/frame.ts': "import './bytes.ts'",
    'packages/log/test/ui.test.ts': "import '../../../apps/ui/src/main.ts'",
  })
  expect(runIn(folder, 'rooms.js', '--check')).toEqual({ code: 0, faults: [] })
})

it.each([
  ['an import that was added', 'apps/ui/src/page.ts', "import '../../../packages/pay/src/pay.ts'"],
  ['that an import was removed', 'packages/pay/src/pay.ts', ''],
  ['a folder that was added', 'packages/pay/src/rules/limits.ts', ''],
])('refuses a picture that does not show %s, and leaves it as it is', (_what, path, text) => {
  const folder = repository({ [picture]: ownPicture(), [path]: text })
  expect(runIn(folder, 'rooms.js', '--check')).toEqual({
    code: 1,
    faults: ['docs/images/rooms.svg is not the picture of the imports: make it again with `npm run rooms`'],
  })
  expect(readFileSync(join(folder, picture), 'utf8')).toBe(ownPicture())
})
