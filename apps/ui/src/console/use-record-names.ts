import { maxIdLength } from '@streampay/domain'
import { isolated, visibleText } from '../app/visible-text.ts'
import { usePeople } from '../stores/people.ts'
import type { NameOf } from './record-sentence.ts'

/**
 * The name for an id in a record, looked up; the id itself where there is no name. A record may hold a value that is no
 * id.
 */
export function useRecordNames(): NameOf {
  const people = usePeople()
  return (id) => {
    const isAskable = id !== '' && id.length <= maxIdLength && id.isWellFormed()
    return isolated(isAskable ? people.nameOf(id) : visibleText(id))
  }
}
