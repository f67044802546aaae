/** The people who walk through the demo, each with a screen. */
export const screens = [
  {
    screen: 'desktop',
    viewport: { width: 1280, height: 800 },
    me: { id: 'ada', name: 'Ada Lovelace', isTyped: false },
    friend: { id: 'grace', name: 'Grace Hopper' },
    looks: ['light', 'dark'],
  },
  {
    screen: 'phone',
    viewport: { width: 390, height: 844 },
    me: { id: 'zofie-novakova', name: 'Žofie Nováková', isTyped: true },
    friend: { id: 'katherine', name: 'Katherine Johnson' },
    // The colours are those of the desktop; only the layout differs.
    looks: ['light'],
  },
] as const
