// Run by set-up on Node 26: loads the modules of every service without starting anything, so that Node's compile cache
// (NODE_COMPILE_CACHE) holds their code before the services start, all at once, for the first time.
import { createRequire } from 'node:module'

await Promise.all([
  import('../apps/streampay/src/banner.ts'),
  import('../apps/streampay/src/launcher.ts'),
  import('../apps/streampay/src/options.ts'),
  import('../apps/streampay/src/ports.ts'),
  import('../apps/streampay/src/services.ts'),
  import('../packages/broker/src/broker-process.ts'),
  import('../apps/identity/src/identity.ts'),
  import('../apps/payments/src/config.ts'),
  import('../apps/payments/src/ensure-topics.ts'),
  import('../apps/payments/src/service.ts'),
  import('../apps/gateway/src/run-gateway.ts'),
  import('../apps/gateway/src/settings.ts'),
  import('../apps/gateway/src/start-faults.ts'),
  import('../apps/simulation/src/people.ts'),
  import('../apps/simulation/src/random.ts'),
  import('../apps/simulation/src/simulation.ts'),
])
// Fastify loads its schema compilers when an instance is made; this one never listens.
createRequire(new URL('../packages/gateway/package.json', import.meta.url))('fastify')()
