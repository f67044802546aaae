/** Whether the gateway answers, whatever it says. */
export function canReach(): Promise<boolean> {
  return fetch('/config.json', { cache: 'no-store' }).then(
    () => true,
    () => false,
  )
}
