import { nextTick } from 'vue'
import { createRouter, createWebHistory, type RouteRecordRaw } from 'vue-router'
import { type Area, loadTexts } from '../i18n/load-texts.ts'
import { t } from '../i18n/wallet.ts'
import { formQueryOf } from '../pay-link/pay-link.ts'
import { sessionState, startSession } from '../session/session.ts'
import { watchNavigation } from './navigation.ts'
import { namePage } from './tab-sign.ts'

declare module 'vue-router' {
  interface RouteMeta {
    readonly title: () => string
    readonly isPublic?: boolean
    /** The permission that the page needs. */
    readonly scope?: string
    /** The area of its texts, if they do not come with those of the first page. */
    readonly texts?: Area
  }
}

/**
 * The pages. Their paths differ from those of the API, so that the gateway can answer every other path with the page itself.
 */
const routes: readonly RouteRecordRaw[] = [
  {
    path: '/',
    name: 'landing',
    component: () => import('../pages/LandingPage.vue'),
    meta: { isPublic: true, title: () => t('titles.signIn') },
  },
  {
    path: '/callback',
    name: 'callback',
    component: () => import('../pages/CallbackPage.vue'),
    meta: { isPublic: true, title: () => t('titles.signingIn') },
  },
  {
    path: '/home',
    name: 'home',
    component: () => import('../pages/HomePage.vue'),
    meta: { title: () => t('titles.home') },
  },
  {
    path: '/send/:step(check)?',
    name: 'send',
    component: () => import('../pages/SendPage.vue'),
    meta: { title: () => t('titles.send'), texts: 'pages' },
  },
  // A link that a person gives to others: it fills in the form, and pays nothing.
  { path: '/pay/:id', redirect: ({ params, query }) => ({ name: 'send', query: formQueryOf(params.id, query) }) },
  {
    path: '/payments/:transferId',
    name: 'payment',
    component: () => import('../pages/PaymentPage.vue'),
    meta: { title: () => t('titles.payment'), texts: 'pages' },
  },
  {
    path: '/requests/:tab(sent)?',
    name: 'requests',
    component: () => import('../pages/RequestsPage.vue'),
    meta: { title: () => t('titles.requests'), texts: 'pages' },
  },
  {
    path: '/requests/:id',
    name: 'request',
    component: () => import('../pages/RequestPage.vue'),
    meta: { title: () => t('titles.request'), texts: 'pages' },
  },
  {
    path: '/travel/:id',
    name: 'travel',
    component: () => import('../travel/TravelPage.vue'),
    meta: { title: () => t('titles.travel'), texts: 'console' },
  },
  {
    path: '/statement',
    name: 'statement',
    component: () => import('../pages/StatementPage.vue'),
    meta: { title: () => t('titles.statement'), texts: 'pages' },
  },
  {
    path: '/profile',
    name: 'profile',
    component: () => import('../pages/ProfilePage.vue'),
    meta: { title: () => t('titles.profile'), texts: 'pages' },
  },
  {
    path: '/topics',
    name: 'topics',
    component: () => import('../console/TopicsPage.vue'),
    meta: { title: () => t('titles.console'), scope: 'read:console', texts: 'console' },
  },
  {
    path: '/topics/:topic',
    name: 'topic',
    component: () => import('../console/TopicPage.vue'),
    meta: { title: () => t('titles.topic'), scope: 'read:console', texts: 'console' },
  },
  {
    path: '/groups',
    name: 'groups',
    component: () => import('../console/GroupsPage.vue'),
    meta: { title: () => t('titles.groups'), scope: 'read:console', texts: 'console' },
  },
  {
    path: '/groups/:group',
    name: 'group',
    component: () => import('../console/GroupPage.vue'),
    meta: { title: () => t('titles.group'), scope: 'read:console', texts: 'console' },
  },
  {
    path: '/open-transactions',
    name: 'open-transactions',
    component: () => import('../console/TransactionsPage.vue'),
    meta: { title: () => t('titles.openTransactions'), scope: 'read:console', texts: 'console' },
  },
  {
    path: '/dead-letters',
    name: 'dead-letters',
    component: () => import('../console/DeadLettersPage.vue'),
    meta: { title: () => t('titles.deadLetters'), scope: 'read:console', texts: 'console' },
  },
  {
    path: '/trace/:id?',
    name: 'trace',
    component: () => import('../console/TracePage.vue'),
    meta: { title: () => t('titles.trace'), scope: 'read:console', texts: 'console' },
  },
  {
    path: '/break',
    name: 'break',
    component: () => import('../break/BreakPage.vue'),
    meta: { title: () => t('titles.breakIt'), scope: 'operate:services', texts: 'console' },
  },
  {
    path: '/:path(.*)*',
    name: 'missing',
    component: () => import('../pages/MissingPage.vue'),
    meta: { isPublic: true, title: () => t('titles.missing') },
  },
]

export const router = createRouter({
  history: createWebHistory(),
  routes: [...routes],
  scrollBehavior: (to, from, saved) => saved ?? (to.path === from.path ? false : { top: 0 }),
})

watchNavigation(router)

router.beforeEach(async (to) => {
  // Loaded beside the code of the page, and awaited once that is there.
  if (to.meta.texts !== undefined) void loadTexts(to.meta.texts)
  // The 404 page must also show when the configuration can't be read; the landing page says by itself that it can't.
  await startSession().catch(() => {})
  const isSignedIn = sessionState.value === 'signedIn' || sessionState.value === 'lapsed'
  if (to.name === 'landing' && isSignedIn) return { name: 'home', query: 'tour' in to.query ? { tour: '' } : {} }
  if (to.meta.isPublic !== true && !isSignedIn) return { name: 'landing', query: { returnTo: to.fullPath } }
  return true
})

/** The texts of a page are loaded before the page is shown. */
router.beforeResolve(async ({ meta: { texts } }) => {
  if (texts !== undefined) await loadTexts(texts)
})

/** Announces a change of page: by the title, and by the focus on the new page's heading. */
router.afterEach(async (to, from) => {
  namePage(to.meta.title())
  if (from.matched.length === 0 || to.path === from.path) return
  await nextTick()
  document.querySelector<HTMLElement>('h1')?.focus({ preventScroll: true })
})
