export const money = {
  empty: 'Enter an amount.',
  notANumber: 'Enter an amount in dollars, such as {example}.',
  twoReadings: '“{typed}” can mean {small} or {large}. Type the one that you mean.',
  tooPrecise: 'Amounts go down to the cent: use at most two decimals.',
  zero: 'The amount must be at least {least}.',
  negative: 'Enter the amount without a minus sign.',
  tooLarge: 'The most that can be sent at once is {most}.',
} as const
