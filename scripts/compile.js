// Run by set-up on Node 26: loads the modules of every service without starting anything, so that Node's compile cache
// (NODE_COMPILE_CACHE) holds their code before the services start, all at once, for the first time.
import { createRequire } from 'node:module'

await Promise.all([
  import('../apps/launcher/src/banner.ts'),
  import('../apps/launcher/src/launcher.ts'),
  import('../apps/launcher/src/options.ts'),
  import('../apps/launcher/src/ports.ts'),
  import('../apps/launcher/src/services.ts'),
  import('../packages/broker/src/broker-process.ts'),
  import('../apps/identity/src/identity.ts'),
  import('../apps/payments/src/config.ts'),
  import('../apps/payments/src/ensure-topics.ts'),
  import('../apps/payments/src/service.ts'),
  import('../apps/api/src/run-gateway.ts'),
  import('../apps/api/src/settings.ts'),
  import('../apps/api/src/start-faults.ts'),
  import('../apps/simulation/src/people.ts'),
  import('../apps/simulation/src/random.ts'),
  import('../apps/simulation/src/simulation.ts'),
])
// Fastify loads its schema compilers when an instance is made; this one never listens.
createRequire(new URL('../packages/gateway/package.json', import.meta.url))('fastify')()
