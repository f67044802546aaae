import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'
import { useRouter } from 'vue-router'
import { ProblemError, UnreachableError } from '../api/http.ts'
import { wordsOf } from '../api/problems.ts'
import { wait } from '../api/wait.ts'
import { allows, identity, offers, signIn } from '../session/session.ts'
import { useRequests } from '../stores/requests.ts'
import { stations, TourError } from './stations.ts'
import { forgetTour, keepTour, noteOffered, readTour, type TourMemory } from './tour-memory.ts'

/** The permissions that the pages of the tour need. */
const permissions = ['read:console', 'operate:services'] as const

/** The tour: its present station, and the results. It continues after the page is reloaded. */
export const useTour = defineStore('tour', () => {
  const router = useRouter()
  const requests = useRequests()
  const memory = shallowRef(readTour())
  const state = ref<'ready' | 'working' | 'done' | 'failed'>('ready')
  /** What happened at this station, or why it failed. */
  const words = ref('')

  const isOpen = computed(() => memory.value !== undefined)
  const number = computed(() => memory.value?.station ?? 0)
  const station = computed(() => stations[number.value])
  const isLast = computed(() => number.value === stations.length - 1)

  function keep(next: TourMemory) {
    memory.value = next
    keepTour(next)
  }

  /** Begins at the first station; asks for the permissions first, if the issuer can give them. */
  async function start() {
    noteOffered()
    keep({ owner: identity.value?.id, station: 0, person: undefined, requestId: undefined, transferId: undefined })
    state.value = 'ready'
    words.value = ''
    const lacking = permissions.filter((permission) => offers(permission) && !allows(permission))
    if (lacking.length > 0) await signIn('/home', lacking)
    else await router.push('/home')
  }

  async function run() {
    const current = station.value
    const known = memory.value
    if (current === undefined || known === undefined || state.value === 'working') return
    state.value = 'working'
    words.value = ''
    try {
      words.value = await current.run({
        router,
        memory: () => memory.value ?? known,
        remember: (more) => keep({ ...(memory.value ?? known), ...more }),
        sent: () => requests.sent,
        incoming: () => requests.incoming,
        wait,
        elapsed: () => performance.now(),
      })
      state.value = 'done'
    } catch (error) {
      if (!(error instanceof TourError || error instanceof ProblemError || error instanceof UnreachableError))
        throw error
      words.value = error instanceof TourError ? error.message : wordsOf(error).detail
      state.value = 'failed'
    }
  }

  function next() {
    if (memory.value === undefined) return
    if (isLast.value) {
      end()
      return
    }
    keep({ ...memory.value, station: number.value + 1 })
    state.value = 'ready'
    words.value = ''
  }

  function end() {
    forgetTour()
    memory.value = undefined
  }

  return { isOpen, number, station, isLast, state, words, start, run, next, end, count: stations.length }
})
