/** The names and addresses by which the services reach each other. */
const loopback = ['localhost', '127.0.0.1', '::1', '[::1]']

/**
 * The environment for services, in which no proxy is used between them: with NODE_USE_ENV_PROXY=1 Node sends every request to HTTP_PROXY
 * unless NO_PROXY excludes it, even requests to its own machine, and a proxy can't reach that.
 */
export function withoutLoopbackProxy(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  // Of the two spellings Node reads the lower-case one first; other libraries the other one.
  const given = env.no_proxy || env.NO_PROXY || ''
  const names = given.split(/[\s,]+/).filter((name) => name !== '')
  const all = [...new Set([...names, ...loopback])].join(',')
  return { ...env, no_proxy: all, NO_PROXY: all }
}
