import { expect, test } from 'vitest'
import { type TrustSystem, trust, untrust } from '../src/trust.ts'
import { authorityName, type Command } from '../src/trust-stores.ts'

const authority = '/home/ana/streampay/data/gateway/ca.pem'

type Answer = { readonly code: number; readonly output: string } | 'missing'

/** A machine that records the programs which were run on it. */
function machine({
  files = [],
  folders = {},
  answer = () => ({ code: 0, output: '' }),
  ...rest
}: {
  readonly files?: readonly string[]
  readonly folders?: Readonly<Record<string, readonly string[]>>
  readonly answer?: (command: Command) => Answer
} & Partial<Pick<TrustSystem, 'platform' | 'isRoot'>>) {
  const present = new Set(files)
  const done: string[] = []
  const system: TrustSystem = {
    platform: 'linux',
    home: '/home/ada',
    isRoot: false,
    exists: (path) => present.has(path),
    list: (folder) => folders[folder] ?? [],
    run: async (command) => {
      done.push([command.program, ...command.args].join(' '))
      return answer(command)
    },
    copy: (from, to) => {
      present.add(to)
      done.push(`copy ${from} ${to}`)
    },
    remove: (file) => {
      present.delete(file)
      done.push(`remove ${file}`)
    },
    ...rest,
  }
  return { system, done }
}

const debian = ['/usr/local/share/ca-certificates']
const nssOfChrome = '/home/ada/.pki/nssdb'
const firefox = '/home/ada/.mozilla/firefox'
const bundled = '/usr/local/share/ca-certificates/streampay-development.crt'

test('on Linux the system, Chrome and every profile of Firefox get it', async () => {
  const { system, done } = machine({
    isRoot: true,
    files: [...debian, `${nssOfChrome}/cert9.db`, `${firefox}/x1.default/cert9.db`],
    folders: { [firefox]: ['x1.default', 'profiles.ini'] },
  })
  const { lines, isDone } = await trust(authority, system)
  expect(isDone).toBe(true)
  expect(done).toEqual([
    `copy ${authority} ${bundled}`,
    'update-ca-certificates',
    `certutil -D -d sql:${nssOfChrome} -n ${authorityName}`,
    `certutil -A -d sql:${nssOfChrome} -t C,, -n ${authorityName} -i ${authority}`,
    `certutil -D -d sql:${firefox}/x1.default -n ${authorityName}`,
    `certutil -A -d sql:${firefox}/x1.default -t C,, -n ${authorityName} -i ${authority}`,
  ])
  expect(lines).toEqual([
    'the store of the system (curl and most programs): now trusts the development certificate',
    'Chrome and Chromium: now trusts the development certificate',
    `Firefox (${firefox}/x1.default): now trusts the development certificate`,
  ])
})

test('a missing store of Chrome is created', async () => {
  const { system, done } = machine({})
  await trust(authority, system)
  expect(done.slice(0, 2)).toEqual([
    `mkdir -p -m 700 ${nssOfChrome}`,
    `certutil -N -d sql:${nssOfChrome} --empty-password`,
  ])
})

test('without administrator rights the commands for the system’s store are printed, and the others are run', async () => {
  const { system, done } = machine({ files: [...debian, `${nssOfChrome}/cert9.db`] })
  const { lines, isDone } = await trust(authority, system)
  expect(isDone).toBe(false)
  expect(lines[0]).toBe(
    `the store of the system (curl and most programs): only the administrator can change it: sudo cp ${authority} ${bundled} && sudo update-ca-certificates`,
  )
  expect(lines[1]).toContain('now trusts the development certificate')
  expect(done.every((line) => line.startsWith('certutil'))).toBe(true)
})

test('a folder with a blank can be pasted as well', async () => {
  const { system } = machine({ files: debian })
  const { lines } = await trust("/home/ada/it's mine/ca.pem", system)
  expect(lines[0]).toContain(`sudo cp '/home/ada/it'\\''s mine/ca.pem' `)
})

test('a program that is missing is named, with the package that has it', async () => {
  const { system } = machine({
    files: [`${nssOfChrome}/cert9.db`],
    answer: ({ program }) => (program === 'certutil' ? 'missing' : { code: 0, output: '' }),
  })
  const { lines, isDone } = await trust(authority, system)
  expect(isDone).toBe(false)
  expect(lines).toEqual([
    'Chrome and Chromium: not changed. It needs the program "certutil" of NSS: package libnss3-tools (Debian, Ubuntu) or nss-tools (Fedora).',
  ])
})

test('the message of a failed program is passed on', async () => {
  const { system } = machine({
    platform: 'darwin',
    answer: () => ({ code: 1, output: 'SecTrustSettingsSetTrustSettings: The authorization was denied.\n' }),
  })
  const { lines, isDone } = await trust(authority, system)
  expect(isDone).toBe(false)
  expect(lines[0]).toContain('"security" said: SecTrustSettingsSetTrustSettings: The authorization was denied.')
})

test.each([
  { platform: 'darwin', program: 'security', added: 'add-trusted-cert', removed: 'delete-certificate' },
  { platform: 'win32', program: 'certutil', added: '-addstore', removed: '-delstore' },
] as const)('on $platform one store of the user is enough', async ({ platform, program, added, removed }) => {
  const { system, done } = machine({ platform })
  await trust(authority, system)
  await untrust(authority, system)
  expect(done).toHaveLength(2)
  expect(done[0]).toMatch(new RegExp(`^${program} .*${added} .*${authority}`))
  expect(done[1]).toMatch(new RegExp(`^${program} .*${removed} .*${authorityName}`))
})

test('untrust removes what trust added', async () => {
  const { system, done } = machine({ isRoot: true, files: [...debian, `${nssOfChrome}/cert9.db`] })
  await trust(authority, system)
  done.length = 0
  const { lines, isDone } = await untrust(authority, system)
  expect(isDone).toBe(true)
  expect(done).toEqual([
    `remove ${bundled}`,
    'update-ca-certificates',
    `certutil -D -d sql:${nssOfChrome} -n ${authorityName}`,
  ])
  expect(lines.every((line) => line.endsWith('no longer trusts the development certificate'))).toBe(true)
})

test('untrust without a trusted authority says so, and succeeds', async () => {
  const { system, done } = machine({
    files: [...debian, `${nssOfChrome}/cert9.db`],
    answer: () => ({ code: 255, output: `certutil: could not find certificate named "${authorityName}": SEC_ERROR` }),
  })
  const { lines, isDone } = await untrust(authority, system)
  expect(isDone).toBe(true)
  expect(lines).toEqual([
    'the store of the system (curl and most programs): had no development certificate',
    'Chrome and Chromium: had no development certificate',
  ])
  expect(done.filter((line) => !line.startsWith('certutil'))).toEqual([])
})
