import type { tour as english } from '../en/tour.ts'

export const tour: Record<keyof typeof english, string> = {
  place: '{label} {number} von {all}',
  station: 'Station',
  end: 'Tour beenden',
  working: 'Läuft …',
  next: 'Weiter',
  done: 'Fertig',
  askTitle: 'Fordere von jemandem Geld an',
  askText:
    'StreamPay ist voller virtueller Personen; ein kleiner Roboter kennzeichnet sie. Fordere von einer von ihnen {amount} an.',
  askAction: 'Anfordern',
  paidTitle: 'Sieh zu, wie bezahlt wird',
  paidText:
    'Die Anforderung ist auf dem Weg über das Log: Gateway, commands, der Zahlungsdienst und zurück auf diese Seite. Niemand lädt etwas neu.',
  paidAction: 'Auf die Antwort warten',
  payTitle: 'Bezahle eine Anforderung',
  payText:
    'Wer dir einen Gefallen tut, möchte auch einen: Innerhalb einer halben Minute kommt eine Anforderung, mit einem Hinweis auf dieser Seite. Dann wird sie bezahlt.',
  payAction: 'Warten und bezahlen',
  consoleTitle: 'Sieh, was über das Log ging',
  consoleText:
    'Eine Zahlung ist ein Record in einem Topic, und alles, was aus ihr folgt, wird in einer einzigen Transaktion geschrieben. Jeder Kafka-Client sieht das, auch die Konsole.',
  consoleAction: 'Der Zahlung folgen',
  killTitle: 'Schieß den Zahlungsdienst ab',
  killText:
    'Jetzt wird der Zahlungsdienst abgeschossen, während eine Zahlung unterwegs ist. Sie wartet, der Dienst kommt zurück, und nichts geht verloren oder geschieht doppelt.',
  killAction: 'Abschießen und {amount} bezahlen',
  noVirtualPeople: 'Hier gibt es keine virtuellen Personen: Die Simulation ist aus.',
  nobodyToAsk: 'Hier gibt es niemanden, von dem du etwas anfordern könntest.',
  tickets: 'Konzertkarten',
  requestTo: 'Anforderung über {amount} an {name}',
  asked: 'Du hast {amount} von {name} angefordert.',
  noAnswerYet: 'Es gibt noch keine Antwort. Vielleicht ist die Simulation sehr langsam oder aus.',
  paidAfter: '{name} hat {amount} bezahlt, {time} nach deiner Anforderung.',
  nobodyHadMoney: 'Niemand hatte das Geld. Fordere es noch einmal an.',
  nobodyAsked: 'Niemand hat etwas von dir angefordert. Versuch es gleich noch einmal.',
  paymentOf: 'Zahlung von {amount}',
  paymentTo: 'Zahlung von {amount} an {name}',
  paid: 'Du hast {amount} bezahlt. Die Anforderung ist erledigt, ein einziges Mal und mit genau ihrem Betrag.',
  noPayment: 'Es gibt keine Zahlung, der du folgen könntest: Bezahle zuerst die Anforderung.',
  followed:
    'Der Befehl, und was eine Transaktion daraus gemacht hat: zwei Buchungen, Kontostände, Verlauf, die Antwort.',
  nobodyToPay: 'Es gibt niemanden, den du bezahlen könntest: Beginne die Tour von vorn.',
  whileDown: 'Während der Zahlungsdienst ausgefallen war',
  survived:
    'Deine Zahlung hat {time} auf den Dienst gewartet und ist genau einmal angekommen, als {transferId}. Die Bücher unten sagen, was verloren ging oder doppelt ist: nichts.',
  noAnswer: 'Es gibt keine Antwort. Der Auftrag bleibt gespeichert und klärt sich von selbst.',
  somebody: 'Jemand',
}
