import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A user interface as its build leaves it: a page, a script, and files that nothing may be served of. @returns its folder */
export async function writeUi(): Promise<string> {
  const uiRoot = await mkdtemp(join(tmpdir(), 'gateway-ui-'))
  await mkdir(join(uiRoot, 'assets'))
  await writeFile(
    join(uiRoot, 'index.html'),
    '<!doctype html><title>UI</title><meta property="og:image" content="/share.png" />',
  )
  await mkdir(join(uiRoot, '.vite'))
  await writeFile(join(uiRoot, '.vite/manifest.json'), '{}')
  await writeFile(join(uiRoot, 'assets/.hidden'), 'hidden')
  await writeFile(join(uiRoot, 'assets/app-1.js'), `console.log(${JSON.stringify('x'.repeat(5_000))})`)
  return uiRoot
}
