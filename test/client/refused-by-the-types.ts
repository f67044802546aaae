/** What the generated types have to refuse: a line for each, of which the compiler must tell an error. */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

const head = `import createClient from 'openapi-fetch'
import type { paths } from './streampay.ts'
const client = createClient<paths, \`application/\${string}\`>()
const params = { header: { 'Idempotency-Key': 'k' } }
await client.POST('/pay', { params, body: { userId: 'grace', amount: 1 } })
`
const wrong: Readonly<Record<string, string>> = {
  'an address that is not there': `await client.GET('/balance', {})`,
  'a command without its key': `await client.POST('/pay', { body: { userId: 'grace', amount: 1 } })`,
  'an amount that is text': `await client.POST('/pay', { params, body: { userId: 'grace', amount: '1' } })`,
  'a payment to nobody': `await client.POST('/pay', { params, body: { amount: 1 } })`,
  'a field that a balance has not': `void (await client.GET('/current-balance', {})).data?.currency`,
}

/** After the types were generated. @throws Error for a line that the types accept, or the right one that they refuse */
export function checkRefusals(folder: string): void {
  const place = join(folder, 'dist')
  writeFileSync(join(place, 'refused.ts'), `${head}${Object.values(wrong).join('\n')}\n`)
  writeFileSync(join(place, 'tsconfig.json'), JSON.stringify({ extends: '../tsconfig.json', include: ['refused.ts'] }))
  const tsc = join(folder, 'node_modules/typescript/bin/tsc')
  const { stdout } = spawnSync(process.execPath, [tsc, '-p', place, '--pretty', 'false'], { encoding: 'utf8' })
  const told = new Set([...stdout.matchAll(/refused\.ts\((\d+),/g)].map(([, line]) => Number(line)))
  const first = head.split('\n').length
  const expected = Object.keys(wrong).map((_, index) => first + index)
  if (told.symmetricDifference(new Set(expected)).size > 0) throw new Error(`The types do not refuse these: ${stdout}`)
  console.log(`ok  the types refuse ${Object.keys(wrong).join(', ')}`)
}
