import { nextTick } from 'vue'
import { createRouter, createWebHistory, type RouteRecordRaw } from 'vue-router'
import { sessionState, startSession } from '../session/session.ts'

/**
 * The pages. Paths are chosen not to collide with those of the API, so that the gateway can answer every other path with
 * the page itself.
 */
const routes: readonly RouteRecordRaw[] = [
  {
    path: '/',
    name: 'landing',
    component: () => import('../pages/LandingPage.vue'),
    meta: { isPublic: true, title: 'Sign in' },
  },
  {
    path: '/callback',
    name: 'callback',
    component: () => import('../pages/CallbackPage.vue'),
    meta: { isPublic: true, title: 'Signing in' },
  },
  { path: '/home', name: 'home', component: () => import('../pages/HomePage.vue'), meta: { title: 'Home' } },
  { path: '/send', name: 'send', component: () => import('../pages/SendPage.vue'), meta: { title: 'Pay or request' } },
  {
    path: '/requests/:tab(sent)?',
    name: 'requests',
    component: () => import('../pages/RequestsPage.vue'),
    meta: { title: 'Requests' },
  },
  {
    path: '/statement',
    name: 'statement',
    component: () => import('../pages/StatementPage.vue'),
    meta: { title: 'Statement' },
  },
  {
    path: '/profile',
    name: 'profile',
    component: () => import('../pages/ProfilePage.vue'),
    meta: { title: 'Profile' },
  },
  {
    path: '/topics',
    name: 'topics',
    component: () => import('../console/TopicsPage.vue'),
    meta: { title: 'Console', scope: 'read:console' },
  },
  {
    path: '/topics/:topic',
    name: 'topic',
    component: () => import('../console/TopicPage.vue'),
    meta: { title: 'Topic', scope: 'read:console' },
  },
  {
    path: '/trace/:id?',
    name: 'trace',
    component: () => import('../console/TracePage.vue'),
    meta: { title: 'Follow an id', scope: 'read:console' },
  },
  {
    path: '/:path(.*)*',
    name: 'missing',
    component: () => import('../pages/MissingPage.vue'),
    meta: { isPublic: true, title: 'Page not found' },
  },
]

export const router = createRouter({
  history: createWebHistory(),
  routes: [...routes],
  scrollBehavior: (to, from, saved) => saved ?? (to.path === from.path ? false : { top: 0 }),
})

router.beforeEach(async (to) => {
  // The 404 page must also show when the configuration can't be read; the landing page tells that itself.
  await startSession().catch(() => {})
  const isSignedIn = sessionState.value === 'signedIn' || sessionState.value === 'lapsed'
  if (to.name === 'landing' && isSignedIn) return { name: 'home' }
  if (to.meta.isPublic !== true && !isSignedIn) return { name: 'landing', query: { returnTo: to.fullPath } }
  return true
})

/** A change of page is told to everybody: the title, and the focus on the new page's heading. */
router.afterEach(async (to, from) => {
  document.title = `${String(to.meta.title)} · StreamPay`
  if (from.matched.length === 0 || to.path === from.path) return
  await nextTick()
  document.querySelector<HTMLElement>('h1')?.focus({ preventScroll: true })
})
