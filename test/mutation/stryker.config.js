/**
 * What `npm run mutation` changes, and how it judges; files and tests are given by scripts/mutation.js. Mutants are made in a copy of the
 * repository, so that a run that is stopped leaves no changed source behind.
 */
export default {
  testRunner: 'vitest',
  vitest: { configFile: 'test/mutation/vitest.config.ts', related: true },
  plugins: ['@stryker-mutator/vitest-runner', './test/mutation/ignore-logging.js'],
  ignorers: ['logging'],
  // Words of messages, names in errors: a test that notices these asserts a sentence.
  mutator: { excludedMutations: ['StringLiteral'] },
  tempDirName: '.stryker-tmp',
  cleanTempDir: 'always',
  // The copy gets dependencies whose workspaces are those of the copy.
  symlinkNodeModules: false,
  buildCommand: 'node test/mutation/link-modules.js',
  ignorePatterns: ['dist', 'data', '.bench', '.cache', '/docs', '/bench/results', '/test/mutation/reports'],
  coverageAnalysis: 'perTest',
  // What runs once, when a file is loaded, would have to be judged by all tests, each time in a new process.
  ignoreStatic: true,
  concurrency: 1,
  timeoutMS: 10_000,
  reporters: ['progress-append-only', 'clear-text', 'json'],
  clearTextReporter: { allowColor: false, allowEmojis: false, logTests: false, reportTests: false },
  jsonReporter: { fileName: 'test/mutation/reports/mutation.json' },
  allowConsoleColors: false,
  logLevel: 'warn',
  checkers: [],
  disableTypeChecks: false,
}
