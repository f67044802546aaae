/** Which client addresses count as one, for limits of each address. */
import { BlockList, isIP } from 'node:net'

/** A client with one IPv6 address has its whole network of 64 bits. */
const networkGroups = 4

/** IPv4 unchanged, also if it is written as IPv6 (`::ffff:192.0.2.1`); of IPv6 the first 64 bits. */
export function addressKey(address: string | undefined): string {
  const bare = (address ?? '').replace(/%.*$/, '')
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare)?.[1]
  if (mapped !== undefined) return mapped
  if (isIP(bare) !== 6) return bare
  const [head = '', tail] = bare.toLowerCase().split('::')
  const groups = (text: string | undefined) => (text === undefined || text === '' ? [] : text.split(':'))
  const before = groups(head)
  const after = groups(tail)
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length)
  const all = [...before, ...Array<string>(zeros).fill('0'), ...after]
  return `${all
    .slice(0, networkGroups)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`
}

/** The entry that is neither an address nor a network, in words; undefined if all are valid. */
export function proxyFault(proxies: readonly string[]): string | undefined {
  try {
    proxyCheck(proxies)
    return undefined
  } catch (error) {
    return error instanceof TypeError ? error.message : String(error)
  }
}

/** Addresses and networks (`10.0.0.0/8`) of proxies. @throws TypeError for other texts */
export function proxyCheck(proxies: readonly string[]): (address: string | undefined) => boolean {
  const list = new BlockList()
  for (const proxy of proxies) {
    const [network = '', bits] = proxy.split('/')
    const family = isIP(network)
    const longest = family === 4 ? 32 : 128
    const length = bits === undefined ? longest : Number(bits)
    if (family === 0 || !/^\d*$/.test(bits ?? '') || length > longest) {
      throw new TypeError(`"${proxy}" is not an address or a network`)
    }
    list.addSubnet(network, length, family === 4 ? 'ipv4' : 'ipv6')
  }
  return (address) => {
    const family = isIP(address ?? '')
    return family !== 0 && list.check(address ?? '', family === 4 ? 'ipv4' : 'ipv6')
  }
}
