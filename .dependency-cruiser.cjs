// The import rules of ARCHITECTURE.md: imports point down the layers, packages meet only through their exports.
const packageRoots = ['kafka', 'broker', 'streams', 'gateway']

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
      name: 'kafka-stands-at-the-bottom',
      severity: 'error',
      from: { path: '^packages/kafka/src' },
      to: { path: '^packages/(?!kafka/)' },
    },
    {
      name: 'broker-streams-gateway-never-meet',
      severity: 'error',
      comment: 'They meet only on the Kafka wire.',
      from: { path: '^packages/(broker|streams|gateway)/src' },
      to: { path: '^packages/(broker|streams|gateway)/', pathNot: '^packages/$1/' },
    },
    {
      name: 'domain-is-pure',
      severity: 'error',
      comment: 'domain imports nothing but its schema library.',
      from: { path: '^apps/domain/src' },
      to: { pathNot: ['^apps/domain/src', 'node_modules/typebox'] },
    },
    ...packageRoots.map((name) => ({
      name: `only-exports-of-${name}`,
      severity: 'error',
      comment: 'From outside, a package is what its exports say.',
      from: { pathNot: `^packages/${name}/` },
      to: { path: `^packages/${name}/src/(?!(index|main|test-driver|wire/index)\\.ts$)` },
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
