import { expect, test } from 'vitest'
import { type OpenBrowserOptions, openBrowser } from '../src/open-browser.ts'

async function opened(options: Partial<OpenBrowserOptions>): Promise<string[]> {
  const urls: string[] = []
  const trouble = await openBrowser({
    url: 'https://localhost:9090/',
    isTerminal: true,
    platform: 'darwin',
    env: {},
    open: async (url) => {
      urls.push(url)
    },
    ...options,
  })
  expect(trouble).toBeUndefined()
  return urls
}

const desktops: { name: string; platform: NodeJS.Platform; env: NodeJS.ProcessEnv }[] = [
  { name: 'macOS', platform: 'darwin', env: {} },
  { name: 'Windows', platform: 'win32', env: {} },
  { name: 'Linux with X11', platform: 'linux', env: { DISPLAY: ':0' } },
  { name: 'Linux with Wayland', platform: 'linux', env: { WAYLAND_DISPLAY: 'wayland-0' } },
  { name: 'Linux in Windows', platform: 'linux', env: { WSL_DISTRO_NAME: 'Debian' } },
]

test.each(desktops)('the browser opens on $name', async ({ platform, env }) => {
  expect(await opened({ platform, env })).toEqual(['https://localhost:9090/'])
})

test('without a terminal it never opens', async () => {
  expect(await opened({ isTerminal: false })).toEqual([])
})

test.each([
  { name: 'over SSH', env: { SSH_CONNECTION: '192.0.2.1 5 192.0.2.2 22', DISPLAY: ':0' } },
  { name: 'in CI', env: { CI: 'true', DISPLAY: ':0' } },
  { name: 'without a display', env: {} },
  { name: 'with an empty display', env: { DISPLAY: '' } },
])('$name there is no one to see it', async ({ env }) => {
  expect(await opened({ platform: 'linux', env })).toEqual([])
})

test('a browser that can’t be started is reported with the address, and ends nothing', async () => {
  const trouble = await openBrowser({
    url: 'https://localhost:9090/',
    isTerminal: true,
    platform: 'darwin',
    env: {},
    open: () => Promise.reject(new Error('spawn xdg-open ENOENT')),
  })
  expect(trouble).toBe(
    'The browser could not be opened (spawn xdg-open ENOENT). Open https://localhost:9090/ yourself.',
  )
})
