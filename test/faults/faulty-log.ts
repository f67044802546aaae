/** The log of a run: its nodes, which can be killed and paused, and a proxy in front of each. */
import type { DiskFault } from './disk-faults.ts'
import type { FaultProxy } from './proxy.ts'

export type FaultyLog = {
  /** The addresses for clients: those of the proxies. */
  readonly brokers: readonly string[]
  readonly proxies: readonly FaultProxy[]
  /** The replication of topics that are created; undefined leaves it to the log. */
  readonly replicationFactor: number | undefined
  /** SIGKILL; the node stays down until it is started. */
  kill(node: number): Promise<void>
  /** Resolves when it serves. */
  start(node: number): Promise<void>
  pause(node: number): void
  resume(node: number): void
  readonly disk: FaultyLogDisk | undefined
  /** Resolves when every node runs by itself again, without any fault. */
  serving(timeoutMs: number): Promise<void>
  /** The running processes by name. */
  pids(): readonly (readonly [name: string, pid: number])[]
  /** Ends everything at once, for an exit that can't wait. */
  destroy(): void
  close(): Promise<void>
}

/** Orders a fault of the embedded broker's disk: it fails, and the broker is started again as often as it ends. */
export type FaultyLogDisk = {
  order(fault: DiskFault): void
  /** Resolves when the broker has ended because of the order. @throws Error if it has not within the time */
  met(timeoutMs: number): Promise<void>
  end(): void
}

export type Places = { readonly folder: string; readonly logs: string }
