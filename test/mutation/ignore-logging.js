// A plugin of Stryker: what is only logged is not changed.
const methods = new Set(['trace', 'debug', 'info', 'warn', 'error', 'fatal'])

/** `logger.warn(…)`, `this.#options.logger?.warn(…)` and the like. */
function isLogging(node) {
  if (node.type !== 'CallExpression' && node.type !== 'OptionalCallExpression') return false
  const { callee } = node
  if (callee.type !== 'MemberExpression' && callee.type !== 'OptionalMemberExpression') return false
  return methods.has(callee.property.name) && /^#?log(ger)?$/.test(nameOf(callee.object))
}

function nameOf(node) {
  if (node.type === 'Identifier') return node.name
  const property = node.property ?? {}
  return property.name ?? property.id?.name ?? ''
}

export const strykerPlugins = [
  {
    kind: 'Ignore',
    name: 'logging',
    value: { shouldIgnore: (path) => (isLogging(path.node) ? 'it is only logged' : undefined) },
  },
]
