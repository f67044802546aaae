/** The running audit as a process beside the services, as long as the page is open that shows its results. */
import { join } from 'node:path'
import type { Books } from '@streampay/domain/control'
import type { LogFile } from '../log-file.ts'
import { startProcess } from '../service-process.ts'
import type { ServiceDefinition } from '../services.ts'
import { Supervisor, type SupervisorOptions } from '../supervisor.ts'

export type BooksOptions = {
  readonly root: string
  readonly brokers: string
  readonly env: NodeJS.ProcessEnv
  readonly clock: SupervisorOptions['clock']
  readonly log: LogFile
  readonly onBooks: (books: Books) => void
}

export function booksProcess({ root, brokers, env, clock, log, onBooks }: BooksOptions) {
  const service: ServiceDefinition = {
    name: 'books',
    stage: 0,
    main: join(root, 'apps/audit/src/running/main.ts'),
    env: { KAFKA_BROKERS: brokers },
    nodeFlags: ['--max-semi-space-size=1', '--max-old-space-size=256'],
  }
  const onTold = (message: object) => {
    if (Reflect.get(message, 'type') === 'books') onBooks(Reflect.get(message, 'books') as Books)
  }
  let supervisor: Supervisor | undefined
  let stopping: Promise<void> = Promise.resolve()

  return {
    start: () => {
      if (supervisor !== undefined) return
      const started = new Supervisor({
        service,
        clock,
        start: (one) => startProcess(one, log, env, { onTold }),
        // It is not one of the services: without it the page says that the books are not checked.
        events: { onReady: () => undefined, onRestart: () => undefined, onFailed: () => undefined },
      })
      supervisor = started
      void stopping.then(() => started.start())
    },
    stop: () => {
      const ending = supervisor
      supervisor = undefined
      if (ending !== undefined) stopping = stopping.then(() => ending.stop())
    },
    ended: () => stopping,
  }
}
