// The site: made from pages/, which build/main.ts collects. Nothing on it comes from another origin.
import { readFileSync } from 'node:fs'
import { slug } from 'github-slugger'

const sidebar = JSON.parse(readFileSync(new URL('../pages/contents.json', import.meta.url), 'utf8'))
const base = process.env.DOCS_BASE || '/'
/** Headings have the anchors that a code host gives them, so that a link is good at both. */
const anchors = { slugify: slug }

export default {
  title: 'StreamPay',
  description: 'Real-time person-to-person payments on CQRS and a Kafka-compatible log',
  lang: 'en',
  base,
  srcDir: 'pages',
  outDir: 'dist',
  // Copied as it is.
  srcExclude: ['public/**'],
  // A command that starts it shows addresses of this machine, and pages of sources are no pages of VitePress: build/check.ts looks for them.
  ignoreDeadLinks: [/^https?:\/\/localhost/, /^\/source\//],
  // The index of the search is one file.
  vite: { build: { chunkSizeWarningLimit: 2_000 } },
  head: [['link', { rel: 'icon', href: `${base}logo.svg` }]],
  markdown: {
    anchor: anchors,
    headers: anchors,
    // Those of VitePress have too little contrast for comments.
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
  },
  themeConfig: {
    logo: '/logo.svg',
    sidebar,
    outline: { level: [2, 3] },
    search: { provider: 'local' },
    nav: [
      { text: 'Tour', link: '/tour' },
      { text: 'Reference', link: '/reference/' },
      { text: 'Operations', link: '/operations' },
    ],
  },
}
