/** Dead letters for other programs than the tool: judged, and put back, one at a time. */
export { type Judged, judgeLetter, type PutBack, putLetterBack } from './desk.ts'
