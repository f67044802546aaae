/** Whether the gateway answers, with any status. */
export function canReach(): Promise<boolean> {
  return fetch('/config.json', { cache: 'no-store' }).then(
    () => true,
    () => false,
  )
}
