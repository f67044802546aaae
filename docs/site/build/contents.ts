/** Which documents the site has, in which section, and in which order. What no section names stands in the last one. */

export type Section = {
  readonly title: string
  /** Paths in the repository, or of the generated reference; `*` stands for any name. */
  readonly files: readonly string[]
}

export const sections: readonly Section[] = [
  { title: 'Begin', files: ['README.md', 'docs/tour.md', 'docs/comparison.md'] },
  {
    title: 'Concepts',
    files: ['ARCHITECTURE.md', 'docs/exactly-once.md', 'docs/privacy.md', 'docs/local-state.md', 'SECURITY.md'],
  },
  { title: 'Guides', files: ['docs/guides/*.md', 'docs/where.md', 'examples/README.md', 'CONTRIBUTING.md'] },
  { title: 'Reference', files: ['reference/README.md', 'reference/http-api.md', 'reference/*.md'] },
  { title: 'Packages', files: ['packages/*/README.md', 'packages/*/DESIGN.md'] },
  { title: 'Services and tools', files: ['apps/*/README.md'] },
  { title: 'API of the packages', files: ['reference/packages/*.md'] },
  {
    title: 'Quality',
    files: [
      'docs/reliability.md',
      'docs/mutation.md',
      'docs/performance.md',
      'docs/bench.md',
      'docs/capacity.md',
      'docs/findings.md',
      'test/model/README.md',
      'bench/README.md',
    ],
  },
  { title: 'Operations', files: ['docs/operations.md'] },
  { title: 'Decisions', files: ['docs/decisions/README.md', 'docs/decisions/*.md', 'docs/dependencies.md'] },
  { title: 'Project', files: ['CHANGELOG.md', 'CODE_OF_CONDUCT.md', '*'] },
]

/** Documents of the code host and of the site's own folder. */
export const left: readonly RegExp[] = [/^\.github\//, /^docs\/site\//]

/** Each file once: in the first section that names it, in the order of its patterns and then of the alphabet. */
export function placed(files: readonly string[]): ReadonlyMap<Section, readonly string[]> {
  const rest = new Set([...files].sort())
  const take = (pattern: string) => {
    const found = [...rest].filter((file) => matches(file, pattern))
    for (const file of found) rest.delete(file)
    return found
  }
  // What is named stands where it is named, whatever patterns come before.
  const named = new Set(sections.flatMap((section) => section.files).filter((pattern) => !pattern.includes('*')))
  return new Map(
    sections.map((section) => [
      section,
      section.files.flatMap((pattern) => take(pattern).filter((file) => file === pattern || !named.has(file))),
    ]),
  )
}

function matches(file: string, pattern: string): boolean {
  if (pattern === '*') return true
  const expression = pattern.split('*').map(RegExp.escape).join('[^/]*')
  return new RegExp(`^${expression}$`).test(file)
}
