import type { palette as english } from '../en/palette.ts'

export const palette: Record<keyof typeof english, string> = {
  dialogTitle: 'Gehe zu',
  dialogDescription: 'Seiten, Personen, Topics und IDs',
  fieldLabel: 'Gehe zu einer Seite, einer Person, einem Topic oder einer ID',
  fieldPlaceholder: 'Seite, Person, Topic oder ID',
  close: 'Schließen',
  results: 'Treffer',
  searching: 'Suche läuft …',
  nothingFound: 'Nichts gefunden',
  resultCount: '{count} Treffer | {count} Treffer',
  searchFailed: '{outcome}; Personen oder Topics lassen sich gerade nicht durchsuchen',
  ids: 'IDs',
  pages: 'Seiten',
  people: 'Personen',
  payment: 'Zahlung {id}',
  request: 'Anforderung {id}',
  follow: '{id} durch das Log folgen',
  record: 'Record {topic} {place}',
  payOrRequest: "{'@'}{username} · bezahlen oder anfordern",
}
