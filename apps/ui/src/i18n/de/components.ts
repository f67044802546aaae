/** The texts of Nuxt UI's own parts. */
export { de as components } from '@nuxt/ui/locale'
