import { join } from 'node:path'
import type { Launcher } from '../launcher.ts'
import { openLogFile } from '../log-file.ts'
import type { LauncherOptions } from '../options.ts'
import { brokersOf, developmentIssuer, type Places } from '../services.ts'
import type { SupervisorOptions } from '../supervisor.ts'
import { booksProcess } from './books-process.ts'
import { Control } from './control.ts'
import { serveControl } from './control-server.ts'
import { operatorAccess } from './operator-access.ts'

export type OpenControl = {
  readonly control: Control
  /** The port on the loopback interface, where gateways find it. */
  readonly port: number
  close(): Promise<void>
}

export type OpenControlOptions = {
  readonly options: LauncherOptions
  readonly places: Places
  readonly env: NodeJS.ProcessEnv
  readonly clock: SupervisorOptions['clock']
  /** Created after this one, because its services get the port. */
  readonly launcher: () => Launcher | undefined
}

/** Returns nothing with an external issuer: only the development issuer gives the permission that it needs. */
export async function openControl(parts: OpenControlOptions): Promise<OpenControl | undefined> {
  const { options, places, env, clock, launcher } = parts
  if (options.issuer !== undefined) return undefined
  const log = openLogFile(join(places.data, 'logs', 'books.log'), { onTrouble: () => undefined })
  const books = booksProcess({
    root: places.root,
    brokers: brokersOf(options),
    env,
    clock,
    log,
    onBooks: (seen) => control.onBooks(seen),
  })
  const control = new Control({
    supervisors: () => launcher()?.supervisors() ?? [],
    books,
    speed: options.simulation ? options.speed : undefined,
    clock: {
      elapsed: clock.elapsed,
      now: Date.now,
      after: (ms, call) => {
        const timer = setTimeout(call, ms)
        timer.unref()
        return () => clearTimeout(timer)
      },
    },
  })
  const server = await serveControl({
    control: () => control,
    access: operatorAccess({
      issuer: developmentIssuer(options),
      audience: options.audience,
      jwksUri: `http://127.0.0.1:${options.identityPort}/jwks`,
    }),
  })
  return {
    control,
    port: server.port,
    close: async () => {
      control.close()
      await books.ended()
      await server.close()
      log.close()
    },
  }
}
