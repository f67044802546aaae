// The import rules of ARCHITECTURE.md: imports point down the layers, packages meet only through their exports.
const packageRoots = ['json', 'kafka', 'local-store', 'process', 'broker', 'streams', 'gateway']

/**
 * The order of the rooms of a package, from the lowest; rooms of one step do not know each other. Files that stand in no room
 * put everything together: they know all, and no room knows them but those that are named as `low`.
 */
function roomRules(root, steps, low = []) {
  const rooms = steps.flat()
  return [
    {
      name: `rooms-of-${root}`,
      severity: 'error',
      comment: 'A room has its place in the order below.',
      from: {},
      to: { path: `^${root}/`, pathNot: [`^${root}/[^/]+$`, `^${root}/(${rooms.join('|')})/`] },
    },
    ...steps.flatMap((step, at) =>
      step.map((room) => ({
        name: `${room}-imports-down-in-${root}`,
        severity: 'error',
        comment: 'Imports go from a room to those below it.',
        from: { path: `^${root}/${room}/` },
        to: {
          path: `^${root}/`,
          pathNot: [`^${root}/(${[...steps.slice(0, at).flat(), room].join('|')})/`, `^${root}/(${low.join('|')})$`],
        },
      })),
    ),
  ]
}

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      comment: 'A cycle hides which part decides.',
      from: {},
      to: { circular: true },
    },
    {
      name: 'packages-know-no-apps',
      severity: 'error',
      comment: 'packages/ is reusable and knows nothing of payments.',
      from: { path: '^packages/[^/]+/src' },
      to: { path: '^apps/' },
    },
    {
      name: 'some-packages-stand-at-the-bottom',
      severity: 'error',
      from: { path: '^packages/(json|kafka|local-store|process)/src' },
      to: { path: '^packages/', pathNot: '^packages/$1/' },
    },
    {
      name: 'broker-streams-gateway-never-meet',
      severity: 'error',
      comment: 'They meet only on the Kafka wire.',
      from: { path: '^packages/(broker|streams|gateway)/src' },
      to: { path: '^packages/(broker|streams|gateway)/', pathNot: '^packages/$1/' },
    },
    ...roomRules(
      'packages/streams/src',
      ['topology', 'log', 'state', 'task', 'runtime', 'testing'].map((room) => [room]),
      // All of them throw these.
      ['errors.ts'],
    ),
    ...roomRules('packages/gateway/src', [
      ['shared'],
      ['definition'],
      ['guard'],
      ['http', 'views'],
      ['sse'],
      ['queries', 'commands', 'console'],
      ['documents', 'operation'],
    ]),
    {
      name: 'domain-is-pure',
      severity: 'error',
      comment: 'domain imports nothing but its schema library, and the problems that a gateway has by itself.',
      from: { path: '^apps/domain/src' },
      to: { pathNot: ['^apps/domain/src', 'node_modules/typebox', '^packages/gateway/src/shared/problem[.]ts$'] },
    },
    ...packageRoots.map((name) => ({
      name: `only-exports-of-${name}`,
      severity: 'error',
      comment: 'From outside, a package is what its exports say.',
      from: { pathNot: `^packages/${name}/` },
      to: {
        path: `^packages/${name}/src/(?!(index|main|vitest|environment|exit-code|pause|testing/test-driver|run-file|memory-store|shared/problem|wire/index)\\.ts$)`,
      },
    })),
    {
      name: 'not-to-unresolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '^(node:|virtual:|@nuxt/ui/vue-plugin$)' },
    },
    {
      name: 'sources-do-not-import-tests',
      severity: 'error',
      from: { path: '^(packages|apps)/[^/]+/src' },
      to: { path: '/test/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)dist/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'default'],
      extensions: ['.ts', '.js', '.vue', '.json'],
    },
  },
}
