import type { write as english } from '../en/write.ts'

export const write: Record<keyof typeof english, string> = {
  realLog: 'Das ist das echte Log',
  realLogDetail:
    'Was hier geschrieben wird, wird sofort verarbeitet und lässt sich nicht zurücknehmen. Geschrieben wird immer in deinem eigenen Namen: Ein Befehl bewegt nur dein eigenes Geld.',
  key: 'Schlüssel',
  noKey: 'Kein Schlüssel',
  headers: 'Header, einer je Zeile',
  headersHelp: 'Als Name: Wert. Deine Identität ({header}) und eine ID der Anfrage kommen dazu.',
  badHeader: 'Zeile {line} hat nicht die Form Name: Wert, mit einem Leerzeichen nach dem Doppelpunkt.',
  value: 'Wert',
  tombstone: 'Ein Tombstone, der den Schlüssel löscht',
  partition: 'Partition',
  partitionOfKey: 'Die des Schlüssels',
  written: 'Geschrieben als {place}.',
  writeRecord: 'Record schreiben',
  nobodyMay: 'Über die Konsole dieser Installation darf niemand schreiben. Nimm {command} dort, wo das Log liegt.',
  notGranted:
    'Dein Identitätsanbieter hat die Berechtigung zum Schreiben nicht erteilt ({permission}). Sie ist für den Betrieb gedacht.',
  needsPermission: 'Zum Schreiben ist eine weitere Berechtigung nötig ({permission}). Sie ist für den Betrieb gedacht.',
}
