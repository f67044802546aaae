/** Kills the payments service and the broker with SIGKILL in turn, waiting for each to be back before the next. */
import type { ServiceName, StreamPay } from '../support/streampay-process.ts'

export type Kill = { readonly service: ServiceName; readonly backAfterMs: number }

export async function killInTurn(
  streamPay: StreamPay,
  services: readonly ServiceName[],
  everyMs: number,
  on: { readonly kill: () => void; readonly back: (kill: Kill) => void },
): Promise<void> {
  for (const service of services) {
    await new Promise((resolve) => setTimeout(resolve, everyMs))
    const pid = streamPay.pidOf(service)
    const killedAt = performance.now()
    process.kill(pid, 'SIGKILL')
    on.kill()
    await streamPay.restarted(service, pid, 30_000)
    on.back({ service, backAfterMs: Math.round(performance.now() - killedAt) })
  }
}
