// Every export of a package has words (a doc comment), and so has every member of the types that a caller fills in. Prints what has
// none, with its place, and exits 1 if there is anything.
import { publicSurface } from './public-surface.js'

/** Names of types that a caller fills in: what is optional, in which unit, and what is taken by default is said at each member. */
const filledIn = /(Config|Definition|Limits|Options|Route|Topology)$/

const surface = publicSurface(process.cwd())
const faults = surface.flatMap(({ entry, name, place, isDocumented, members }) => [
  ...(isDocumented ? [] : [`${place} ${name} of ${entry} has no words`]),
  ...members
    .filter((member) => filledIn.test(name) && !member.isDocumented)
    .map((member) => `${member.place} ${name}.${member.name} of ${entry} has no words`),
])
const members = surface.flatMap((one) => one.members)
const unsaid = members.filter((member) => !member.isDocumented).length

for (const fault of faults) console.error(fault)
console.log(
  `exports: ${surface.length}, with ${members.length} members of which ${unsaid} have no words; ${faults.length} faults`,
)
process.exitCode = faults.length === 0 ? 0 : 1
