// Runs before the first paint, so that a dark page never flashes white. The choice is written by src/app/theme.ts.
;(() => {
  let chosen = null
  try {
    chosen = localStorage.getItem('streampay.theme')
  } catch {
    // Storage may be forbidden; the system's setting decides then.
  }
  const isDark = chosen === 'dark' || (chosen !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches)
  document.documentElement.classList.add(isDark ? 'dark' : 'light')
})()
