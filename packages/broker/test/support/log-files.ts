/** The files of a log, for tests that damage them. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export const isJournal = (name: string) => name.startsWith('journal-')

export function newestJournal(dataDir: string): string {
  return join(dataDir, readdirSync(dataDir).filter(isJournal).sort().at(-1) ?? '')
}

export function segmentOf(dataDir: string): string {
  const files = readdirSync(join(dataDir, 'topics'), { recursive: true, encoding: 'utf8' })
  return join(dataDir, 'topics', files.find((file) => file.endsWith('.log')) ?? '')
}

export function flipByte(path: string, at: number): void {
  const bytes = readFileSync(path)
  bytes.writeUInt8(bytes.readUInt8(at) ^ 0xff, at)
  writeFileSync(path, bytes)
}
