import { once } from 'node:events'
import { connect } from 'node:net'
import { expect } from 'vitest'
import { test } from '../../../src/vitest.ts'

const ports: number[] = []

async function isServed(port: number): Promise<boolean> {
  const socket = connect({ port, host: '127.0.0.1' })
  return once(socket, 'connect').then(
    () => {
      socket.destroy()
      return true
    },
    () => false,
  )
}

/** The broker of this file is open, and those of the files before it are not. */
export function lookAtBroker(file: string): void {
  test(`the broker of ${file} is the only one`, async ({ broker }) => {
    for (const port of ports) expect(await isServed(port)).toBe(false)
    expect(await isServed(broker.port)).toBe(true)
    ports.push(broker.port)
  })
  test(`${file} keeps it`, ({ broker }) => {
    expect(broker.port).toBe(ports.at(-1))
  })
}
