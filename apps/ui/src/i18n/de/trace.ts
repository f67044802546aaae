import type { trace as english } from '../en/trace.ts'

export const trace: Record<keyof typeof english, string> = {
  detail: 'Der Weg eines Befehls durch das Log: der Befehl, die Antwort darauf und alles, was er bewirkt hat.',
  idToFollow: 'Korrelations-ID, Transfer-ID oder Anforderungs-ID',
  idHint: 'Korrelations-ID, Transfer-ID (t0-12) oder Anforderungs-ID (r0-12)',
  follow: 'Folgen',
  readingLog: 'Das Log wird gelesen',
  notAnId: 'Keine ID eines Befehls',
  notAnIdDetail: 'Nimm eine Korrelations-ID aus den Headern eines Records oder die ID auf einem Beleg.',
  looked: '{count} Befehl durchgesehen. | {count} Befehle durchgesehen.',
  lookedFromTo:
    '{count} Befehl durchgesehen, von {from} bis {to}. | {count} Befehle durchgesehen, von {from} bis {to}.',
  notYetFound: 'Bisher nicht gefunden',
  notYetFoundDetail: '{looked} Aus dieser Zeit gibt es noch mehr; suche die ID im Topic „commands“.',
  notFound: 'Nicht gefunden',
  notFoundDetail:
    '{looked} Kein Befehl dort hat diese ID; vielleicht ist er älter als das, was das Log aufbewahrt, oder aus einer anderen Minute.',
  mayBeMore: 'Vielleicht gibt es mehr',
  mayBeMoreDetail: 'Aus dieser Zeit gibt es mehr Records, als durchgesehen wurden. {topics}.',
  topicLooked: '{topic}: {count} Record durchgesehen | {topic}: {count} Records durchgesehen',
  topicLookedTo: '{topic}: {count} Record durchgesehen, bis {to} | {topic}: {count} Records durchgesehen, bis {to}',
  howItTravelled: 'Der Weg im Bild',
  recordsInOrder: 'Records in zeitlicher Folge',
  deleted: 'gelöscht',
}
