import type { news as english } from '../en/news.ts'

export const news: Record<keyof typeof english, string> = {
  paidYou: '{name} hat dir {amount} bezahlt',
  paidYouTogether:
    '{name} und {count} weitere Person haben dir {amount} bezahlt | {name} und {count} weitere Personen haben dir {amount} bezahlt',
  payments: '{count} Zahlung | {count} Zahlungen',
  paid: '{name} hat {amount} bezahlt',
  declined: '{name} hat deine Anforderung über {amount} abgelehnt',
  expired: 'Deine Anforderung über {amount} ist abgelaufen',
  notAnswered: '{name} hat nicht rechtzeitig geantwortet.',
  asked: '{name} fordert {amount} von dir an',
  reminded: '{name} erinnert dich: {amount}',
  withdrawn: '{name} hat eine Anforderung über {amount} zurückgezogen',
  quotedNotes: '„{notes}“',
  afterAsking: '{time} nach deiner Anforderung',
  settingsTitle: 'Wie Neues dich erreicht',
  settingsIntro:
    'Wenn dich jemand bezahlt, etwas von dir anfordert oder deine Anforderung beantwortet. In diesem Browser.',
  sound: 'Ton',
  soundDescription: 'Zwei leise Töne.',
  notifications: 'Benachrichtigungen',
  notificationsDescription: 'Von deinem System, solange StreamPay nicht im Vordergrund ist.',
  notificationsMissing: 'Dieser Browser hat keine.',
  notificationsRefused:
    'Dieser Browser erlaubt sie StreamPay nicht. Du kannst es in seinen Einstellungen für diese Seite ändern.',
}
