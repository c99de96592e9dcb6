import { BlockList, isIP } from 'node:net';

/** Whether a text names a network, `203.0.113.0/24`, or a single address. */
export function isCidr(text: string): boolean {
  return parseCidr(text) !== undefined;
}

/** The addresses of these networks; undefined if there is none, which means all addresses. */
export function addressesIn(cidrs: readonly string[]): BlockList | undefined {
  if (cidrs.length === 0) return undefined;
  const addresses = new BlockList();
  for (const cidr of cidrs) {
    const parsed = parseCidr(cidr);
    // What cannot be read opens nothing.
    if (parsed) addresses.addSubnet(parsed.address, parsed.prefix, parsed.family);
  }
  return addresses;
}

/** The address in what grpc-js calls the peer, `203.0.113.7:4711` or `::1:4711`. */
export function addressOfPeer(peer: string): string {
  const address = peer.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  // A server on "::" sees IPv4 callers in this form.
  return address.replace(/^::ffff:(?=\d+\.)/i, '');
}

/** Also false for what is no address, as the path of a socket. */
export function isAddressIn(address: string, addresses: BlockList): boolean {
  const family = isIP(address);
  return family !== 0 && addresses.check(address, family === 4 ? 'ipv4' : 'ipv6');
}

function parseCidr(text: string): Cidr | undefined {
  const [, address = '', digits] = /^([0-9a-f.:]{2,45})(?:\/(\d{1,3}))?$/i.exec(text) ?? [];
  const family = isIP(address);
  if (family === 0) return undefined;
  const bits = family === 4 ? 32 : 128;
  const prefix = digits === undefined ? bits : Number(digits);
  if (prefix > bits) return undefined;
  return { address, prefix, family: family === 4 ? 'ipv4' : 'ipv6' };
}

type Cidr = { address: string; prefix: number; family: 'ipv4' | 'ipv6' };
