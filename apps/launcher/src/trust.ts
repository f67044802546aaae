/**
 * `npm start -- --trust` and `--untrust`: adds the development authority to the stores of this machine, or removes it, and prints for each
 * store what was done. The key of the authority is not kept (apps/api/src/certificates.ts): to trust it means to trust the one
 * certificate for localhost that it has signed.
 */
import { execFile } from 'node:child_process'
import { copyFileSync, existsSync, readdirSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { type Command, type Machine, type Step, type Store, storesOf } from './trust-stores.ts'

export type TrustSystem = Machine & {
  readonly isRoot: boolean
  /** @returns its output, and its exit code; `missing` if there is no such program */
  readonly run: (command: Command) => Promise<{ readonly code: number; readonly output: string } | 'missing'>
  readonly copy: (from: string, to: string) => void
  readonly remove: (file: string) => void
}

export type TrustResult = {
  /** A line for each store. */
  readonly lines: readonly string[]
  /** Whether every store that is of use here has it, or no longer has it. */
  readonly isDone: boolean
}

type StoreResult = { readonly line: string; readonly isDone: boolean }

/** @param authority the file of the authority's certificate, PEM */
export async function trust(authority: string, system: TrustSystem): Promise<TrustResult> {
  return forAll(storesOf(system, authority), (store) => change(store, { authority, system, isAdding: true }))
}

/** Also removes the authority of a deleted data folder: it is found by its name. */
export async function untrust(authority: string, system: TrustSystem): Promise<TrustResult> {
  return forAll(storesOf(system, authority), (store) => change(store, { authority, system, isAdding: false }))
}

async function forAll(stores: readonly Store[], act: (store: Store) => Promise<StoreResult>): Promise<TrustResult> {
  const results: StoreResult[] = []
  // One after the other: two of them may ask for a password.
  for (const store of stores) results.push(await act(store))
  return { lines: results.map(({ line }) => line), isDone: results.every(({ isDone }) => isDone) }
}

type Change = { readonly authority: string; readonly system: TrustSystem; readonly isAdding: boolean }

async function change(store: Store, { authority, system, isAdding }: Change): Promise<StoreResult> {
  const steps = isAdding ? store.add : store.remove
  const words = isAdding ? 'now trusts the development certificate' : 'no longer trusts the development certificate'
  if (!isAdding && isWithout(steps, system))
    return { line: `${store.name}: had no development certificate`, isDone: true }
  if (store.needsRoot && !system.isRoot) {
    const commands = steps.map((step) => `sudo ${shellLine(step, authority)}`).join(' && ')
    return { line: `${store.name}: only the administrator can change it: ${commands}`, isDone: false }
  }
  for (const step of steps) {
    const failure = await take(step, { authority, system, store })
    if (failure === undefined) continue
    if (!isAdding && isNotThere(failure)) return { line: `${store.name}: had no development certificate`, isDone: true }
    return { line: `${store.name}: not changed. ${failure}`, isDone: false }
  }
  return { line: `${store.name}: ${words}`, isDone: true }
}

/** Whether there is nothing to do, or a file to remove does not exist. */
function isWithout(steps: readonly Step[], { exists }: TrustSystem): boolean {
  const [first] = steps
  return first === undefined || (first.kind === 'remove' && !exists(first.file))
}

type Place = { readonly authority: string; readonly system: TrustSystem; readonly store: Store }

/** @returns why it could not be done */
async function take(step: Step, { authority, system, store }: Place): Promise<string | undefined> {
  try {
    if (step.kind === 'copy') system.copy(authority, step.to)
    else if (step.kind === 'remove') system.remove(step.file)
    else {
      const result = await system.run(step)
      if (result === 'missing') return store.missing
      if (result.code !== 0 && step.mayFail !== true) return `"${step.program}" said: ${result.output.trim()}`
    }
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** The messages of these programs that there is no such certificate. */
function isNotThere(failure: string): boolean {
  return /could not find cert|SEC_ERROR_(UNRECOGNIZED_OID|BAD_DATABASE)|Unable to delete certificate matching|could not be found|not found/i.test(
    failure,
  )
}

function shellLine(step: Step, authority: string): string {
  const words = (() => {
    switch (step.kind) {
      case 'copy':
        return ['cp', authority, step.to]
      case 'remove':
        return ['rm', step.file]
      case 'run':
        return [step.program, ...step.args]
    }
  })()
  return words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)).join(' ')
}

/** A store may wait for a password, which a person has to type. */
const timeoutMs = 120_000

export function thisMachine(): TrustSystem {
  return {
    platform: process.platform,
    home: homedir(),
    isRoot: process.getuid?.() === 0,
    exists: existsSync,
    list: (folder) => (existsSync(folder) ? readdirSync(folder) : []),
    run: ({ program, args }) =>
      new Promise((resolve) => {
        execFile(program, args, { timeout: timeoutMs, windowsHide: true }, (error, stdout, stderr) => {
          if (error === null) resolve({ code: 0, output: stdout })
          else if (error.code === 'ENOENT') resolve('missing')
          else
            resolve({
              code: typeof error.code === 'number' ? error.code : 1,
              output: `${stderr}${stdout}` || error.message,
            })
        })
      }),
    copy: copyFileSync,
    remove: (file) => rmSync(file),
  }
}
