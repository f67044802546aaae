import { maxIdLength } from '@streampay/domain'
import { isolated, visibleText } from '../app/visible-text.ts'
import { usePeople } from '../stores/people.ts'
import type { NameOf } from './record-sentence.ts'

/** The name of an id in a record, looked up; the id where there is none. A record may hold what is no id at all. */
export function useRecordNames(): NameOf {
  const people = usePeople()
  return (id) => {
    const isAskable = id !== '' && id.length <= maxIdLength && id.isWellFormed()
    return isolated(isAskable ? people.nameOf(id) : visibleText(id))
  }
}
