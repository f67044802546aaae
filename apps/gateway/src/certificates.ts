/**
 * A certificate authority for this machine and a certificate for localhost, made at first start and kept, so that a
 * browser or curl needs to be told only once (`ca.pem`). The authority's key is not kept: nobody can issue more with it.
 */
import { X509Certificate } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generate } from 'selfsigned'

export type Certificate = { readonly key: string; readonly cert: string }

const dayMs = 86_400_000
const validMs = 825 * dayMs
/** One that is about to expire is made anew. */
const renewBeforeMs = 30 * dayMs

/** Reads the certificate in the folder, or makes one. `now` in ms since the epoch. */
export async function developmentCertificate(dataDir: string, now: number): Promise<Certificate> {
  const files = { key: join(dataDir, 'key.pem'), cert: join(dataDir, 'cert.pem'), ca: join(dataDir, 'ca.pem') }
  const found = await readCertificate(files)
  if (found !== undefined && isGood(found.cert, now)) return found
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const { leaf, authority } = await make(now)
  await replace(files.ca, authority, 0o644)
  await replace(files.key, leaf.key, 0o600)
  await replace(files.cert, leaf.cert, 0o644)
  return leaf
}

async function readCertificate(files: { readonly key: string; readonly cert: string; readonly ca: string }) {
  try {
    const [key, cert] = await Promise.all([
      readFile(files.key, 'utf8'),
      readFile(files.cert, 'utf8'),
      readFile(files.ca),
    ])
    return { key, cert }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

function isGood(cert: string, now: number): boolean {
  return new X509Certificate(cert).validToDate.getTime() - now > renewBeforeMs
}

async function make(now: number): Promise<{ readonly leaf: Certificate; readonly authority: string }> {
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
  return {
    leaf: { key: leaf.private, cert: `${leaf.cert.trim()}\n${authority.cert.trim()}\n` },
    authority: authority.cert,
  }
}

/** All or nothing, so that a crash leaves no half a key. */
async function replace(path: string, content: string, mode: number): Promise<void> {
  const temporary = `${path}.new`
  await writeFile(temporary, content, { mode })
  await rename(temporary, path)
}
