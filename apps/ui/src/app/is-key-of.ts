/** Whether a name is one of an object's own: not `toString`, which every object answers to. */
export function isKeyOf<Known extends object>(known: Known, name: string): name is keyof Known & string {
  return Object.hasOwn(known, name)
}
