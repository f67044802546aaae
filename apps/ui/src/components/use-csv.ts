import { ref, shallowRef } from 'vue'
import { http } from '../api/client.ts'
import { answerOf, problemOf } from '../api/http.ts'
import { unreachableWords, type Words, wordsFor } from '../api/problems.ts'

const timeoutMs = 120_000

/** Downloads the whole statement; a plain link can't carry the token. */
export function useCsv() {
  const isLoading = ref(false)
  const fault = shallowRef<Words | undefined>()

  async function download(): Promise<void> {
    if (isLoading.value) return
    isLoading.value = true
    fault.value = undefined
    try {
      const response = await http.send('/transactions', { headers: { accept: 'text/csv' } }, timeoutMs)
      if (response.ok) offer(await response.blob())
      else fault.value = wordsFor(problemOf(response, (await answerOf(response)).body))
    } catch {
      fault.value = unreachableWords
    } finally {
      isLoading.value = false
    }
  }

  return { isLoading, fault, download }
}

function offer(file: Blob): void {
  const url = URL.createObjectURL(file)
  const link = document.createElement('a')
  link.href = url
  link.download = 'streampay-statement.csv'
  link.click()
  // The browser has taken its own hold of the file by the next turn.
  setTimeout(() => URL.revokeObjectURL(url), 0)
}
