/** Opens the application in the user's browser. */

export type OpenBrowserOptions = {
  readonly url: string
  /** Whether a person reads what this process writes. */
  readonly isTerminal: boolean
  readonly platform: NodeJS.Platform
  readonly env: NodeJS.ProcessEnv
  /** Starts the browser and does not wait for it. @throws Error if there is none */
  readonly open: (url: string) => Promise<void>
}

/** @returns the text to print if the browser did not open; undefined if it did, or should not */
export async function openBrowser({
  url,
  isTerminal,
  platform,
  env,
  open,
}: OpenBrowserOptions): Promise<string | undefined> {
  if (!isTerminal || !hasScreen(platform, env)) return undefined
  try {
    await open(url)
    return undefined
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return `The browser could not be opened (${reason}). Open ${url} yourself.`
  }
}

/**
 * Whether a window would be visible: not over SSH, nor on Linux without a display (Windows shows the windows of its
 * Linux).
 */
function hasScreen(platform: NodeJS.Platform, env: NodeJS.ProcessEnv): boolean {
  if (env.SSH_CONNECTION !== undefined || env.CI !== undefined) return false
  if (platform !== 'linux') return true
  return [env.DISPLAY, env.WAYLAND_DISPLAY, env.WSL_DISTRO_NAME].some((value) => value !== undefined && value !== '')
}

/** By the program that the system has for this purpose. */
export async function openWithSystem(url: string): Promise<void> {
  // Loaded here, because its code would otherwise stay in the launcher's memory.
  const { default: open } = await import('open')
  const started = await open(url)
  await new Promise<void>((resolve, reject) => {
    started.once('spawn', resolve)
    started.once('error', reject)
  })
}
