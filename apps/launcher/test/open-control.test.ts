import { expect, test } from 'vitest'
import { openControl } from '../src/control/open-control.ts'
import { parseOptions } from '../src/options.ts'

test('with an external issuer there is no control interface', async () => {
  const options = parseOptions(['--issuer', 'https://a.example/', '--client-id', 'c'], {})
  if (options === 'help') throw new Error('expected options')
  const clock = { elapsed: () => 0, delay: async () => {} }
  const places = { root: '/', data: '/nowhere' }
  expect(await openControl({ options, places, env: {}, clock, launcher: () => undefined })).toBeUndefined()
})
