import { wait } from '../api/wait.ts'

/** Two short soft notes. A browser lets a page play sounds once the person has used the page; until then this is silent. */
const notes = [
  { hertz: 660, startsAt: 0 },
  { hertz: 880, startsAt: 0.09 },
] as const
const seconds = 0.22
const loudness = 0.06

/** All tabs get the same news within this time. */
const onceInMs = 1_000

let context: AudioContext | undefined

/** Plays once for news that several tabs get, in a tab that the browser lets play sounds. */
export async function chime(): Promise<void> {
  if (navigator.userActivation?.hasBeenActive === false) return
  await navigator.locks.request('streampay.chime', { ifAvailable: true }, async (lock) => {
    if (lock === null) return
    await play()
    await wait(onceInMs)
  })
}

async function play(): Promise<void> {
  context ??= new AudioContext()
  if (context.state === 'suspended') await context.resume()
  for (const { hertz, startsAt } of notes) {
    const from = context.currentTime + startsAt
    const volume = new GainNode(context, { gain: loudness })
    volume.gain.setValueAtTime(loudness, from)
    volume.gain.exponentialRampToValueAtTime(loudness / 100, from + seconds)
    const tone = new OscillatorNode(context, { frequency: hertz })
    tone.connect(volume).connect(context.destination)
    tone.start(from)
    tone.stop(from + seconds)
  }
}
