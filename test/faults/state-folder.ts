/**
 * Faults of a folder of local state without its owner's knowledge, and how the owner has to react at the next start:
 *
 * | what was done | what has to happen |
 * |---|---|
 * | deleted | nothing: it is made anew |
 * | cut below the length that is noted; garbage in the note or in the head of the data file | wiped, saying why |
 * | cut above it | wiped, if pages are missing; else nothing |
 * | an older copy of a closed folder put back | nothing: the log is read on from where it was |
 * | an older copy of a folder that was not closed | wiped, saying why |
 * | the folder of another owner of the same topology | nothing |
 * | that of another topology | wiped, saying why |
 */
import { existsSync, rmSync, statSync, truncateSync } from 'node:fs'
import { mkdir, open, readdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { readNote } from '../../packages/local-store/src/note.ts'
import type { SeededRandom } from '../support/seeded-random.ts'

/** The expected reaction to a folder; `undefined`: both are correct. */
export type Expectation = { readonly wiped: RegExp } | { readonly wiped: 'never' } | undefined

const never = { wiped: 'never' } as const
const bytesOfBlock = 512
/** More than any text in a note has: fewer bytes could leave a valid note, with another text. */
const leastGarbageBytes = 64
const chunkBytes = 1024 * 1024

/** Whether the folder has a store. */
export function isThere(folder: string): boolean {
  return existsSync(dataIn(folder)) && existsSync(noteIn(folder))
}

export function deleteFolder(folder: string): Expectation {
  rmSync(folder, { recursive: true, force: true })
  return never
}

/** Half of the time within the part of the file that is on the disk, and not only after it. */
export function truncateData(folder: string, random: SeededRandom): Expectation {
  const noted = readNote(noteIn(folder))?.bytes ?? 0
  const { size, blocks } = statSync(dataIn(folder))
  const bytes = random.below(random.chance(0.5) ? Math.min(size, blocks * bytesOfBlock) : size)
  truncateSync(dataIn(folder), bytes)
  return bytes < noted ? { wiped: /^its data file was cut short: \d+ of \d+ bytes$/ } : undefined
}

/** In the note, or in LMDB's file headers. The bytes after those have no checksums: damage there may go unnoticed. */
export async function writeGarbage(folder: string, random: SeededRandom): Promise<Expectation> {
  if (random.chance(0.5)) {
    const { size } = statSync(noteIn(folder))
    const from = random.below(size - leastGarbageBytes)
    const length = leastGarbageBytes + random.below(size - from - leastGarbageBytes + 1)
    await overwrite(noteIn(folder), { from, bytes: garbage(length, random) })
    return { wiped: /^the note beside its data file is damaged: / }
  }
  await overwrite(dataIn(folder), {
    from: random.below(16),
    bytes: garbage(leastGarbageBytes + random.below(64 * 1024), random),
  })
  return { wiped: /^its data file is damaged: / }
}

/** Replaces the present folder. Holes stay holes: a data file is longer than its content. */
export async function copyFolder(from: string, to: string): Promise<void> {
  rmSync(to, { recursive: true, force: true })
  await mkdir(to, { recursive: true, mode: 0o700 })
  for (const name of await readdir(from)) await copySparse(join(from, name), join(to, name))
}

/** @param folder a copy of another */
export function expectedOfCopy(folder: string): Expectation {
  if (readNote(noteIn(folder))?.isClosed === true) return never
  return { wiped: /^it was not closed, and its data file is a copy$/ }
}

export async function swapFolders(left: string, right: string): Promise<void> {
  const aside = `${left}.aside`
  for (const folder of [left, right]) await mkdir(folder, { recursive: true, mode: 0o700 })
  await rename(left, aside)
  await rename(right, left)
  await rename(aside, right)
}

async function copySparse(from: string, to: string): Promise<void> {
  const source = await open(from, 'r')
  const target = await open(to, 'wx', 0o600)
  try {
    const { size } = await source.stat()
    const chunk = Buffer.alloc(chunkBytes)
    for (let at = 0; at < size; ) {
      const { bytesRead } = await source.read(chunk, 0, chunkBytes, at)
      if (bytesRead === 0) break
      if (!isZero(chunk.subarray(0, bytesRead))) await target.write(chunk, 0, bytesRead, at)
      at += bytesRead
    }
    await target.truncate(size)
  } finally {
    await Promise.all([source.close(), target.close()])
  }
}

const zeros = Buffer.alloc(chunkBytes)

function isZero(bytes: Buffer): boolean {
  return bytes.equals(zeros.subarray(0, bytes.length))
}

async function overwrite(path: string, { from, bytes }: { readonly from: number; readonly bytes: Buffer }) {
  const file = await open(path, 'r+')
  try {
    await file.write(bytes, 0, bytes.length, from)
  } finally {
    await file.close()
  }
}

function garbage(length: number, random: SeededRandom): Buffer {
  return Buffer.from(Array.from({ length }, () => random.below(256)))
}

function dataIn(folder: string): string {
  return join(folder, 'data.mdb')
}

function noteIn(folder: string): string {
  return join(folder, 'note.json')
}
