import { watch } from 'vue'
import { useWallet } from '../stores/wallet.ts'

/** Repeats what failed once the stream of entries is live again: then the gateway answers. */
export function retryWhenLive(hasFailed: () => boolean, retry: () => void): void {
  const wallet = useWallet()
  watch(
    () => wallet.entriesView.state.value,
    (state) => {
      if (state === 'live' && hasFailed()) retry()
    },
  )
}
