/**
 * A certificate authority for this machine and a certificate for localhost, made at first start and kept, so that a
 * browser or curl needs to be told only once (`ca.pem`). The authority's key is not kept: nobody can issue more with it.
 *
 * Any number of gateways may share the folder and start at the same moment: `server-<n>.pem` holds key, certificate and
 * authority together. The highest number counts, and only one of those that make the next can give it that name; the others
 * take what they find.
 */
import { X509Certificate } from 'node:crypto'
import { link, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generate } from 'selfsigned'
import { SettingsError } from './settings.ts'

export type Certificate = { readonly key: string; readonly cert: string }

/** `authority` is the last certificate of `cert`. */
type Made = Certificate & { readonly authority: string }

const dayMs = 86_400_000
const validMs = 825 * dayMs
/** One that is about to expire is made anew. */
const renewBeforeMs = 30 * dayMs

/** Reads the certificate in the folder, or makes one. `now` in ms since the epoch. */
export async function developmentCertificate(dataDir: string, now: number): Promise<Certificate> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const newest = await newestIn(dataDir)
  const kept = newest === 0 ? undefined : await read(pathOf(dataDir, newest))
  const { key, cert, authority } =
    kept !== undefined && isGood(kept, now) ? kept : await makeOnce(dataDir, newest + 1, now)
  await replace(join(dataDir, 'ca.pem'), authority)
  return { key, cert }
}

function pathOf(dataDir: string, number: number): string {
  return join(dataDir, `server-${number}.pem`)
}

/** 0 if there is none. */
async function newestIn(dataDir: string): Promise<number> {
  const numbers = (await readdir(dataDir)).map((name) => Number(/^server-(\d+)\.pem$/.exec(name)?.[1] ?? 0))
  return Math.max(0, ...numbers)
}

function isGood({ cert }: Certificate, now: number): boolean {
  return new X509Certificate(cert).validToDate.getTime() - now > renewBeforeMs
}

async function read(path: string): Promise<Made> {
  const blocks = (await readFile(path, 'utf8')).match(/-----BEGIN [A-Z ]+-----[^-]+-----END [A-Z ]+-----\n?/g) ?? []
  const [key, leaf, authority] = blocks
  if (key === undefined || leaf === undefined || authority === undefined) {
    throw new SettingsError(`${path} does not hold a key and two certificates: remove it, and another is made.`)
  }
  return { key, cert: leaf + authority, authority }
}

async function makeOnce(dataDir: string, number: number, now: number): Promise<Made> {
  const { key, cert, authority } = await make(now)
  const folder = await mkdtemp(join(dataDir, 'making-'))
  try {
    const whole = join(folder, 'server.pem')
    await writeFile(whole, `${key.trim()}\n${cert}`, { mode: 0o600 })
    await link(whole, pathOf(dataDir, number))
    return { key, cert, authority }
  } catch (error) {
    if (isOfCode(error, 'EEXIST')) return await read(pathOf(dataDir, number))
    throw error
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function isOfCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}

async function make(now: number): Promise<Made> {
  const lifetime = { notBeforeDate: new Date(now - dayMs), notAfterDate: new Date(now + validMs) }
  const kind = { keyType: 'ec', curve: 'P-256', algorithm: 'sha256', ...lifetime } as const
  const authority = await generate([{ name: 'commonName', value: 'StreamPay development authority' }], {
    ...kind,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  })
  const leaf = await generate([{ name: 'commonName', value: 'localhost' }], {
    ...kind,
    ca: { key: authority.private, cert: authority.cert },
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
          { type: 7, ip: '::1' },
        ],
      },
    ],
  })
  // With the authority behind it, whoever trusts ca.pem can build the chain.
  const cert = `${leaf.cert.trim()}\n${authority.cert.trim()}\n`
  return { key: leaf.private, cert, authority: `${authority.cert.trim()}\n` }
}

/** All or nothing, so that nobody reads half of it. */
async function replace(path: string, content: string): Promise<void> {
  if ((await readFile(path, 'utf8').catch(() => undefined)) === content) return
  const folder = await mkdtemp(`${path}-`)
  try {
    await writeFile(join(folder, 'new'), content, { mode: 0o644 })
    await rename(join(folder, 'new'), path)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
