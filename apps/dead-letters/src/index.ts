/** Dead letters for other programs than the tool: judges them and puts them back, one at a time. */
export { type Judged, judgeLetter, type PutBack, putLetterBack } from './desk.ts'
