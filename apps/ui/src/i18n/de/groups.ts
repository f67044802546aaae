import type { groups as english } from '../en/groups.ts'

export const groups: Record<keyof typeof english, string> = {
  detail:
    'Dienste, die die Partitionen von Topics auf ihre Prozesse verteilen und sich merken, wie weit sie gelesen haben.',
  loadingGroups: 'Consumer-Gruppen werden geladen',
  noGroups: 'Keine Consumer-Gruppen',
  noGroupsDetail: 'Eine Gruppe gibt es, sobald ihr erstes Mitglied beigetreten ist.',
  group: 'Gruppe',
  state: 'Zustand',
  members: 'Mitglieder',
  behind: 'Rückstand',
  behindMeans:
    'Der Rückstand zählt Offsets: von dem, was die Gruppe committet hat, bis zum Ende dessen, was im Log committet ist. Das sind Records und was sonst einen Offset braucht. Wo „–“ steht, ist nichts bekannt: Eine neuere Art von Gruppe nennt ihre Mitglieder nicht auf diesem Weg, und ein gelöschtes Topic hat kein Ende.',
  stable: 'Arbeitet',
  empty: 'Niemand dabei',
  dead: 'Nicht mehr da',
  joining: 'Mitglieder treten bei',
  assigning: 'Partitionen werden verteilt',
  reconciling: 'Partitionen wechseln',
  unknownState: 'Unbekannt',
  loadingGroup: 'Die Gruppe wird geladen',
  isBehind: 'Rückstand {offsets}',
  nothingWaits: 'nichts wartet',
  oldestWaits: 'der älteste Record wartet schon {age}',
  nobody: 'Niemand ist dabei',
  nobodyDetail: 'Was die Gruppe committet hat, bleibt erhalten; wer beitritt, macht dort weiter.',
  atHost: 'auf {host}',
  noPartition: 'Keine Partition mit committetem Offset',
  partitions: 'Partitionen',
  partition: 'Partition',
  nothingCommitted: 'Noch nichts committet',
  committed: 'Committet',
  end: 'Ende',
  waitsFor: 'Wartezeit',
  member: 'Mitglied',
  partitionsLeft:
    '{count} weitere Partition wird nicht angezeigt. | {count} weitere Partitionen werden nicht angezeigt.',
  waitsForMeans:
    '„Wartezeit“ ist das Alter des ersten Records, der noch nicht gelesen ist, nach den Uhren von Log und Gateway.',
  notTold: 'Was dieses Log nicht verrät',
  transactionsDetail:
    'Wer nur liest, was committet ist, kommt in einer Partition bis zur ersten offenen Transaktion: bis zum letzten stabilen Offset.',
  loadingTransactions: 'Transaktionen werden geladen',
  heldBack: 'Aufgehalten',
  nothingHeld: 'Nichts wird aufgehalten',
  nothingHeldDetail:
    'Jede Zahlung ist eine Transaktion von wenigen Millisekunden; was eine Sekunde oder länger dauert, steht hier.',
  standsAt:
    '{place} steht bei Offset {offset}; dahinter wartet {count} Offset | {place} steht bei Offset {offset}; dahinter warten {count} Offsets',
  holderNotTold: 'Das Log verrät nicht, durch wen.',
  holderEnded: 'Durch eine Transaktion, die gerade zu Ende ist.',
  heldFor: 'Durch {who} (Producer {producer}, Epoche {epoch}), ab Offset {offset}, schon {age}.',
  heldForAndMore:
    'Durch {who} (Producer {producer}, Epoche {epoch}), ab Offset {offset}, schon {age}; {count} weitere wartet dahinter. | Durch {who} (Producer {producer}, Epoche {epoch}), ab Offset {offset}, schon {age}; {count} weitere warten dahinter.',
  held: 'Durch {who} (Producer {producer}, Epoche {epoch}), ab Offset {offset}; seit wann, ist nicht bekannt.',
  heldAndMore:
    'Durch {who} (Producer {producer}, Epoche {epoch}), ab Offset {offset}; seit wann, ist nicht bekannt; {count} weitere wartet dahinter. | Durch {who} (Producer {producer}, Epoche {epoch}), ab Offset {offset}; seit wann, ist nicht bekannt; {count} weitere warten dahinter.',
  unknownHolder: 'einen Producer ohne bekannte offene Transaktion',
  open: 'Offen',
  noneOpen: 'Gerade ist keine offen',
  openFor: '{state}, schon {age}; Frist bis zum Abbruch durch das Log: {timeout}; Producer {producer}, Epoche {epoch}',
  openSinceUnknown: '{state}; Frist bis zum Abbruch durch das Log: {timeout}; Producer {producer}, Epoche {epoch}',
  ongoing: 'läuft',
  committing: 'Commit entschieden, die Marker werden geschrieben',
  aborting: 'Abbruch entschieden, die Marker werden geschrieben',
  fencing: 'der Producer wird ausgesperrt',
}
