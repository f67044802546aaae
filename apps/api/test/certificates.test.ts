/** The development certificate: kept, renewed in time, and the same for all gateways on any file system. */
import { mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { developmentCertificate } from '../src/index.ts'

// As on exFAT and on folders shared with a virtual machine: a start there failed with EPERM.
vi.mock('node:fs/promises', async (original) => ({
  ...(await original<typeof import('node:fs/promises')>()),
  link: () => Promise.reject(Object.assign(new Error('EPERM: operation not permitted, link'), { code: 'EPERM' })),
}))

it('keeps its certificate, and makes a new one before it expires', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gateway-certificate-'))
  const now = Date.now()
  const first = await developmentCertificate(folder, now)
  expect(await developmentCertificate(folder, now + 1_000)).toEqual(first)
  expect(await developmentCertificate(folder, now + 800 * 86_400_000)).not.toEqual(first)
  await rm(folder, { recursive: true })
})

it('has one certificate for all gateways that start at the same moment, at first and when it is rebuilt', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gateway-certificate-'))
  const now = Date.now()
  const certificates = async (at: number) => {
    const made = await Promise.all([1, 2, 3, 4, 5].map(() => developmentCertificate(folder, at)))
    const [first] = made
    expect(made).toEqual(Array(5).fill(first))
    expect(first?.cert.endsWith(await readFile(join(folder, 'ca.pem'), 'utf8'))).toBe(true)
    return first
  }
  const first = await certificates(now)
  expect(await certificates(now + 800 * 86_400_000)).not.toEqual(first)
  expect((await readdir(folder)).sort()).toEqual(['ca.pem', 'server-1', 'server-2'])
  await rm(folder, { recursive: true })
})

it('needs no hard links, which exFAT and shared folders have not, and reads what an earlier version wrote with them', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gateway-certificate-'))
  const now = Date.now()
  const first = await developmentCertificate(folder, now)
  await rename(join(folder, 'server-1/server.pem'), join(folder, 'server.pem'))
  await rm(join(folder, 'server-1'), { recursive: true })
  await rename(join(folder, 'server.pem'), join(folder, 'server-1.pem'))
  expect(await developmentCertificate(folder, now)).toEqual(first)
  expect(await developmentCertificate(folder, now + 800 * 86_400_000)).not.toEqual(first)
  expect((await readdir(folder)).sort()).toEqual(['ca.pem', 'server-1.pem', 'server-2'])
  await rm(folder, { recursive: true })
})
