/**
 * The stores in which systems and browsers keep trusted authorities, and how to add one. A store gets only the development authority of
 * this machine, under a name of its own, so that it can be found and removed again.
 *
 * | system | store | by |
 * |---|---|---|
 * | macOS | login keychain: Safari, Chrome, Firefox | `security` |
 * | Windows | the user's roots: Edge, Chrome, Firefox | `certutil` of Windows |
 * | Linux | the system's: curl and most programs | `update-ca-certificates`, `update-ca-trust` (Fedora), `trust` (Arch) |
 * | Linux | NSS: Chrome, Chromium, and each profile of Firefox | `certutil` of NSS |
 */
import { join } from 'node:path'

export type Command = { readonly program: string; readonly args: readonly string[] }

/** One step, in order; a file is copied to, or removed from, a folder of the system. */
export type Step =
  | ({ readonly kind: 'run'; readonly mayFail?: boolean } & Command)
  | { readonly kind: 'copy'; readonly to: string }
  | { readonly kind: 'remove'; readonly file: string }

export type Store = {
  /** Its name with the article, and the programs that use it. */
  readonly name: string
  /** Must be there for the store to be of use; if it is missing, `missing` says what to do. */
  readonly program: string
  readonly missing: string
  /** Only the administrator can change it. */
  readonly needsRoot: boolean
  readonly add: readonly Step[]
  readonly remove: readonly Step[]
}

export type Machine = {
  readonly platform: NodeJS.Platform
  /** The user's own folder. */
  readonly home: string
  readonly exists: (path: string) => boolean
  /** The names in a folder; none if there is no such folder. */
  readonly list: (folder: string) => readonly string[]
}

/** Common name of the development authority, and its name in every store. */
export const authorityName = 'StreamPay development authority'
const fileName = 'streampay-development.crt'

/** The stores of this machine. @param authority the file of its certificate, PEM */
export function storesOf(machine: Machine, authority: string): Store[] {
  switch (machine.platform) {
    case 'darwin':
      return [keychain(machine, authority)]
    case 'win32':
      return [windowsRoots(authority)]
    default:
      return [...systemStore(machine), ...nssStores(machine, authority)]
  }
}

function keychain({ home }: Machine, authority: string): Store {
  const login = join(home, 'Library', 'Keychains', 'login.keychain-db')
  return {
    name: 'the login keychain (Safari, Chrome, Firefox)',
    program: 'security',
    missing: 'The program "security" of macOS is not there.',
    needsRoot: false,
    add: [run('security', 'add-trusted-cert', '-r', 'trustRoot', '-p', 'ssl', '-k', login, authority)],
    remove: [run('security', 'delete-certificate', '-c', authorityName, '-t', login)],
  }
}

function windowsRoots(authority: string): Store {
  return {
    name: 'the trusted root authorities of this Windows user (Edge, Chrome, Firefox)',
    program: 'certutil',
    missing: 'The program "certutil" of Windows is not there.',
    needsRoot: false,
    add: [run('certutil', '-user', '-addstore', 'Root', authority)],
    remove: [run('certutil', '-user', '-delstore', 'Root', authorityName)],
  }
}

/** Folders for additional authorities, with the program that makes the system's bundle from them. */
const bundles = [
  { folder: '/usr/local/share/ca-certificates', program: 'update-ca-certificates', args: [] },
  { folder: '/etc/pki/ca-trust/source/anchors', program: 'update-ca-trust', args: ['extract'] },
  { folder: '/etc/ca-certificates/trust-source/anchors', program: 'trust', args: ['extract-compat'] },
] as const

function systemStore({ exists }: Machine): Store[] {
  const bundle = bundles.find(({ folder }) => exists(folder))
  if (bundle === undefined) return []
  const { folder, program, args } = bundle
  const file = join(folder, fileName)
  return [
    {
      name: 'the store of the system (curl and most programs)',
      program,
      missing: `The program "${program}" is not there.`,
      needsRoot: true,
      add: [{ kind: 'copy', to: file }, run(program, ...args)],
      remove: [{ kind: 'remove', file }, run(program, ...args)],
    },
  ]
}

const missingNss =
  'It needs the program "certutil" of NSS: package libnss3-tools (Debian, Ubuntu) or nss-tools (Fedora).'

/** Where Firefox keeps its profiles: as a normal package, as a snap, as a Flatpak. */
const firefoxFolders = [
  ['.mozilla', 'firefox'],
  ['snap', 'firefox', 'common', '.mozilla', 'firefox'],
  ['.var', 'app', 'org.mozilla.firefox', '.mozilla', 'firefox'],
] as const

function nssStores({ home, exists, list }: Machine, authority: string): Store[] {
  const shared = join(home, '.pki', 'nssdb')
  const profiles = firefoxFolders
    .map((path) => join(home, ...path))
    .flatMap((folder) => list(folder).map((name) => join(folder, name)))
    .filter((profile) => exists(join(profile, 'cert9.db')))
  return [
    nss({ name: 'Chrome and Chromium', folder: shared, isNew: !exists(join(shared, 'cert9.db')) }, authority),
    ...profiles.map((folder) => nss({ name: `Firefox (${folder})`, folder, isNew: false }, authority)),
  ]
}

type Database = { readonly name: string; readonly folder: string; readonly isNew: boolean }

function nss({ name, folder, isNew }: Database, authority: string): Store {
  const database = ['-d', `sql:${folder}`]
  const create: Step[] = isNew
    ? [run('mkdir', '-p', '-m', '700', folder), run('certutil', '-N', ...database, '--empty-password')]
    : []
  const drop = run('certutil', '-D', ...database, '-n', authorityName)
  return {
    name,
    program: 'certutil',
    missing: missingNss,
    needsRoot: false,
    // An authority of an earlier folder is removed first: a store keeps one certificate for a name.
    add: [
      ...create,
      { ...drop, mayFail: true },
      run('certutil', '-A', ...database, '-t', 'C,,', '-n', authorityName, '-i', authority),
    ],
    remove: isNew ? [] : [drop],
  }
}

function run(program: string, ...args: string[]): Extract<Step, { kind: 'run' }> {
  return { kind: 'run', program, args }
}
