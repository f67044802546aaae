/**
 * A certificate authority for this machine and a certificate for localhost, created at the first start and kept, so that a
 * browser or curl has to trust the authority only once (`ca.pem`). The authority's key is not kept: it can't issue more certificates.
 *
 * Any number of gateways may share the folder and start at the same moment: `server-<n>/server.pem` has key, certificate
 * and authority together. The highest number counts. Only one of the gateways that create the next one can give its folder that
 * name, because a folder can't be renamed to one that has files; the others use the existing one. Hard links would work as well,
 * but some file systems don't have them (exFAT, shared folders).
 */
import { X509Certificate } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SettingError } from '@streampay/process'
import { generate } from 'selfsigned'

export type Certificate = { readonly key: string; readonly cert: string }

/** `authority` is the last certificate of `cert`. */
type Made = Certificate & { readonly authority: string }

const dayMs = 86_400_000
const validMs = 825 * dayMs
/** A certificate that is about to expire is created anew. */
const renewBeforeMs = 30 * dayMs

/** Reads the certificate in the folder, or creates one. `now` in ms since the epoch. */
export async function developmentCertificate(dataDir: string, now: number): Promise<Certificate> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const newest = await newestIn(dataDir)
  const kept = newest === undefined ? undefined : await read(newest.path)
  const { key, cert, authority } =
    kept !== undefined && isGood(kept, now) ? kept : await makeOnce(dataDir, (newest?.number ?? 0) + 1, now)
  await replace(join(dataDir, 'ca.pem'), authority)
  return { key, cert }
}

const fileName = 'server.pem'

/** `server-<n>.pem` was written by earlier versions. */
async function newestIn(dataDir: string): Promise<{ readonly number: number; readonly path: string } | undefined> {
  const found = (await readdir(dataDir)).flatMap((name) => {
    const [, number, suffix] = /^server-(\d+)(\.pem)?$/.exec(name) ?? []
    if (number === undefined) return []
    const path = suffix === undefined ? join(dataDir, name, fileName) : join(dataDir, name)
    return [{ number: Number(number), path }]
  })
  return found.sort((left, right) => left.number - right.number).at(-1)
}

function isGood({ cert }: Certificate, now: number): boolean {
  return new X509Certificate(cert).validToDate.getTime() - now > renewBeforeMs
}

async function read(path: string): Promise<Made> {
  const blocks = (await readFile(path, 'utf8')).match(/-----BEGIN [A-Z ]+-----[^-]+-----END [A-Z ]+-----\n?/g) ?? []
  const [key, leaf, authority] = blocks
  if (key === undefined || leaf === undefined || authority === undefined) {
    throw new SettingError(`${path} does not contain a key and two certificates: remove it, and a new one is made.`)
  }
  return { key, cert: leaf + authority, authority }
}

async function makeOnce(dataDir: string, number: number, now: number): Promise<Made> {
  const { key, cert, authority } = await make(now)
  const folder = await mkdtemp(join(dataDir, 'making-'))
  try {
    await writeFile(join(folder, fileName), `${key.trim()}\n${cert}`, { mode: 0o600 })
    await rename(folder, join(dataDir, `server-${number}`))
    return { key, cert, authority }
  } catch (error) {
    const newest = await newestIn(dataDir)
    if (isTaken(error) && newest?.number === number) return await read(newest.path)
    throw error
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** The error code of a rename to a folder that has files; EPERM on Windows. */
function isTaken(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return ['ENOTEMPTY', 'EEXIST', 'EPERM'].includes(code)
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
  // The authority's certificate follows, so that a client that trusts ca.pem can build the chain.
  const cert = `${leaf.cert.trim()}\n${authority.cert.trim()}\n`
  return { key: leaf.private, cert, authority: `${authority.cert.trim()}\n` }
}

/** Writes all or nothing, so that no process reads an incomplete folder. */
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
