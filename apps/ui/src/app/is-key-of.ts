/** Whether a name is a property of the object itself: not `toString`, which every object inherits. */
export function isKeyOf<Known extends object>(known: Known, name: string): name is keyof Known & string {
  return Object.hasOwn(known, name)
}
