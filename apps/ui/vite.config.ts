import ui from '@nuxt/ui/vite'
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vite'
import { precompress } from './scripts/precompress.ts'
import { serviceWorker } from './scripts/service-worker-plugin.ts'

/**
 * The single-page wallet. Everything that it needs is built into `dist`: icons are collected into the bundle (only those
 * named in our sources and in the components used), no font and no script comes from another origin, and nothing is inlined
 * as a script, so that the gateway's `default-src 'self'` holds.
 */
export default defineConfig({
  plugins: [
    vue(),
    serviceWorker(),
    precompress(),
    ui({
      // Components are imported by name where they are used: what a page needs can be read in the page.
      autoImport: false,
      components: { dts: false },
      // Ours is src/app/theme.ts: it also acts before the first paint.
      colorMode: false,
      icon: { clientBundle: { scan: { globInclude: ['src/**/*.{vue,ts}'] } } },
      ui: {
        colors: { primary: 'petrol', neutral: 'mist', error: 'red', success: 'emerald', warning: 'amber', info: 'sky' },
        button: {
          // A double click must not select the text of the page that the first click leads to.
          slots: { base: 'font-medium cursor-pointer select-none' },
          // At the library's 75 % a button under the pointer falls below 4.5:1.
          compoundVariants: [
            { color: 'primary', variant: 'solid', class: 'hover:bg-primary/90 active:bg-primary/90' },
            { color: 'error', variant: 'solid', class: 'hover:bg-error/90 active:bg-error/90' },
          ],
        },
      },
    }),
  ],
  // Of vue-i18n only what is used: no old API, no directive, no tools for developers.
  define: {
    __VUE_I18N_FULL_INSTALL__: false,
    __VUE_I18N_LEGACY_API__: false,
    __INTLIFY_PROD_DEVTOOLS__: false,
  },
  build: {
    outDir: 'dist',
    manifest: true,
    target: 'es2023',
    // A source map would double what is shipped; the sources are public anyway.
    sourcemap: false,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        // What every page needs is one file, not one for each module that several share.
        codeSplitting: {
          groups: [
            { name: 'common', test: /node_modules|src/, minShareCount: 12, priority: -1 },
            {
              name: 'around',
              test: /src\/(api|app|i18n\/(i18n|language|load-texts|text-parts|wallet|en\/(titles|shell|home|landing|people|live|problems|news|money|times|wallet))|money|session|stores)\b.*\.ts$/,
            },
          ],
        },
      },
    },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 900,
  },
})
