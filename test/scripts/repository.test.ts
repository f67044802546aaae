import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { entryPoints, repositoryFiles } from '../../scripts/repository.js'
import { smallRepository } from './small-repository.ts'

it('holds files that are tracked and new ones, without those that are ignored or deleted', () => {
  const folder = smallRepository({
    '.gitignore': 'dist/\n',
    'kept.ts': '',
    'gone.ts': '',
    'ü b.ts': '',
    'dist/a.ts': '',
  })
  execFileSync('git', ['add', 'kept.ts', 'gone.ts'], { cwd: folder })
  rmSync(join(folder, 'gone.ts'))
  expect(repositoryFiles(folder, '*.ts').sort()).toEqual(['kept.ts', 'ü b.ts'])
  expect(repositoryFiles(folder, '.').sort()).toEqual(['.gitignore', 'kept.ts', 'ü b.ts'])
})

it('finds what can be imported of each package, in the order of the packages', () => {
  const manifest = (name: string, exports: Record<string, string>) => JSON.stringify({ name, exports })
  const folder = smallRepository({
    'packages/b/package.json': manifest('@x/b', { '.': './src/index.ts' }),
    'packages/a/package.json': manifest('@x/a', { '.': './src/index.ts', './wire': './src/wire/index.ts' }),
    'apps/c/package.json': manifest('@x/c', { '.': './src/index.ts' }),
  })
  expect(entryPoints(folder)).toEqual([
    { entry: '@x/a', path: '.', file: 'packages/a/src/index.ts' },
    { entry: '@x/a/wire', path: './wire', file: 'packages/a/src/wire/index.ts' },
    { entry: '@x/b', path: '.', file: 'packages/b/src/index.ts' },
  ])
})
