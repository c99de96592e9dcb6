import { describe, expect, it } from 'vitest';
import { addressesIn, addressOfPeer, isAddressIn, isCidr } from './address.ts';

describe('networks', () => {
  it.each([
    ['203.0.113.0/24', true],
    ['203.0.113.7', true],
    ['0.0.0.0/0', true],
    ['2001:db8::/32', true],
    ['::1', true],
    ['::/0', true],
    ['203.0.113.0/33', false],
    ['203.0.113/24', false],
    ['203.0.113.0/', false],
    ['2001:db8::/129', false],
    ['example.com', false],
    ['', false],
    ['10.0.0.0/8 ', false],
    ['10.0.0.0/-1', false],
  ])('%s is one: %s', (text, expected) => {
    expect(isCidr(text)).toBe(expected);
  });

  it('hold the addresses within, of either family', () => {
    const addresses = addressesIn(['203.0.113.0/24', '198.51.100.7', '2001:db8::/32']);
    if (addresses === undefined) throw new Error('there are some');
    const held = ['203.0.113.255', '198.51.100.7', '2001:db8:1::1'];
    const foreign = ['203.0.114.0', '198.51.100.8', '2001:db9::1', '::1', 'unknown', ''];
    expect(held.filter((address) => !isAddressIn(address, addresses))).toEqual([]);
    expect(foreign.filter((address) => isAddressIn(address, addresses))).toEqual([]);
  });

  it('are all there are when none is named, and nothing when none can be read', () => {
    expect(addressesIn([])).toBeUndefined();
    const unreadable = addressesIn(['nonsense']);
    expect(unreadable && isAddressIn('127.0.0.1', unreadable)).toBe(false);
  });

  it.each([
    ['127.0.0.1:4711', '127.0.0.1'],
    ['::ffff:203.0.113.7:4711', '203.0.113.7'],
    ['::1:4711', '::1'],
    ['[::1]:4711', '::1'],
    ['unknown', 'unknown'],
  ])('know the address of the peer %s', (peer, address) => {
    expect(addressOfPeer(peer)).toBe(address);
  });
});
