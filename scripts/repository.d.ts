export function repositoryFiles(root: string, ...patterns: readonly string[]): string[]

export type EntryPoint = {
  /** `@streampay/kafka/wire`. */
  readonly entry: string
  /** In `exports` of its package: `./wire`. */
  readonly path: string
  /** In the repository: `packages/kafka/src/wire/index.ts`. */
  readonly file: string
}

export function entryPoints(root: string): EntryPoint[]
