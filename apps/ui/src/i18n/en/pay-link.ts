export const payLink = {
  title: 'Your pay link',
  whatItDoes:
    'Whoever opens the link, or scans the code, has the form for paying you, filled in. Nothing is paid before they confirm it.',
  qrCode: 'QR code of your pay link',
  noCodeYet: 'The code shows once the amount is one.',
  tooLong: 'The link is too long for a QR code, but works as it is.',
  noCode: 'The code can’t be drawn just now; the link works as it is.',
  note: 'Note',
  optional: '(optional)',
  whatFor: 'What is it for?',
  copyLink: 'Copy link',
  copied: 'Copied',
  share: 'Share',
  linkCopied: 'Link copied',
  payMe: 'Pay me on StreamPay',
  download: 'Download picture',
  cantBeUsed: 'This link can’t be used',
  wrongAmount:
    'Its amount is none that can be paid. Ask for another link, or fill in the form yourself. Nothing was paid.',
  wrongNote:
    'Its note is longer than a payment can have. Ask for another link, or fill in the form yourself. Nothing was paid.',
  isYourOwn: 'This is your own pay link',
  isForOthers: 'It is for others: whoever else opens it has the form for paying you, filled in.',
} as const
