import { identity } from '../session/session.ts'

/** The state of a tour: kept with the tab, since asking for permissions leads away from the page and back. */
export type TourMemory = {
  readonly owner: string | undefined
  readonly station: number
  readonly person: { readonly id: string; readonly name: string } | undefined
  readonly requestId: string | undefined
  readonly transferId: string | undefined
}

const memoryKey = 'streampay.tour'
const offeredKey = 'streampay.tour-offered'

/** Undefined if no tour is under way, or only that of another person. */
export function readTour(): TourMemory | undefined {
  const text = read(sessionStorage, memoryKey)
  if (text === null) return undefined
  const memory = JSON.parse(text) as TourMemory
  return memory.owner === identity.value?.id ? memory : undefined
}

export function keepTour(memory: TourMemory): void {
  write(sessionStorage, memoryKey, JSON.stringify(memory))
}

export function forgetTour(): void {
  sessionStorage.removeItem(memoryKey)
}

/** It is offered once in each browser. */
export function wasOffered(): boolean {
  return read(localStorage, offeredKey) !== null
}

export function noteOffered(): void {
  write(localStorage, offeredKey, 'yes')
}

function read(storage: Storage, key: string): string | null {
  try {
    return storage.getItem(key)
  } catch {
    return null
  }
}

function write(storage: Storage, key: string, text: string): void {
  try {
    storage.setItem(key, text)
  } catch {
    // Storage may be forbidden: the tour then lasts as long as the page.
  }
}
