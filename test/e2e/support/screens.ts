/** The people who walk through the demo, each with a screen; accessibility.page.test.ts shows all pages dark on a desktop and light on a phone. */
export const screens = [
  {
    screen: 'desktop',
    viewport: { width: 1280, height: 800 },
    me: { id: 'ada', name: 'Ada Lovelace', isTyped: false },
    friend: { id: 'grace', name: 'Grace Hopper' },
    colours: 'light',
  },
  {
    screen: 'phone',
    viewport: { width: 390, height: 844 },
    me: { id: 'zofie-novakova', name: 'Žofie Nováková', isTyped: true },
    friend: { id: 'katherine', name: 'Katherine Johnson' },
    colours: 'dark',
  },
] as const
