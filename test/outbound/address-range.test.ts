import { describe, expect, test } from 'vitest'
import { addressRange } from '../../src/outbound/address-range.ts'

const PUBLIC = [
  '1.1.1.1',
  '8.8.8.8',
  '93.184.216.34',
  '100.63.255.255',
  '100.128.0.1',
  '172.15.255.255',
  '172.32.0.1',
  '192.167.255.255',
  '192.169.0.1',
  '198.17.255.255',
  '198.20.0.1',
  '223.255.255.255',
  '11.0.0.1',
  '2606:4700:4700::1111',
  '2a00:1450:4001:81b::200e',
  '64:ff9b::8.8.8.8',
  '2606:4700::5efe:808:808',
]

const INSIDE = [
  '10.0.0.1',
  '10.255.255.255',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.0.1',
  '127.0.0.1',
  '127.255.255.254',
  '100.64.0.1',
  '100.127.255.255',
  '::1',
  'fc00::1',
  'fdff:ffff::1',
]

const NEVER = [
  // this network, broadcast, multicast, link-local, reserved
  '0.0.0.0',
  '0.1.2.3',
  '255.255.255.255',
  '224.0.0.1',
  '239.255.255.255',
  '169.254.0.1',
  '240.0.0.1',
  // protocol assignments, documentation, benchmarking, 6to4 relay, AS112, AMT
  '192.0.0.1',
  '192.0.0.170',
  '192.0.2.1',
  '198.51.100.7',
  '203.0.113.5',
  '198.18.0.1',
  '198.19.255.255',
  '192.88.99.1',
  '192.31.196.1',
  '192.175.48.1',
  '192.52.193.1',
  // cloud metadata
  '169.254.169.254',
  '169.254.170.2',
  '100.100.100.200',
  '168.63.129.16',
  '192.0.0.192',
  'fd00:ec2::254',
  'fd20:ce::254',
  // IPv6: unspecified, mapped, compatible, translated, link-local, site-local, multicast, documentation, discard
  '::',
  '::ffff:127.0.0.1',
  '::ffff:8.8.8.8',
  '::ffff:7f00:1',
  '::127.0.0.1',
  '::8.8.8.8',
  '::ffff:0:8.8.8.8',
  'fe80::1',
  'febf::1',
  'fec0::1',
  'ff02::1',
  '2001:db8::1',
  '3fff::1',
  '100::1',
  '5f00::1',
  '4000::1',
  '1::1',
  // NAT64, 6to4, Teredo, ISATAP, ORCHID, benchmarking
  '64:ff9b::10.0.0.1',
  '64:ff9b::127.0.0.1',
  '64:ff9b::169.254.169.254',
  '64:ff9b::168.63.129.16',
  '64:ff9b:1::8.8.8.8',
  '2002:0a00:0001::1',
  '2002:808:808::1',
  '2001::1',
  '2001:0:4136:e378:8000:63bf:3fff:fdd2',
  '2606:4700::5efe:10.0.0.1',
  '2606:4700::200:5efe:127.0.0.1',
  '2001:20::1',
  '2001:2::1',
  // zone ids and things that are no address in canonical form
  'fe80::1%eth0',
  '::1%lo',
  '2606:4700:4700::1111%eth0',
  '',
  'localhost',
  '1.1.1',
  '0x08.8.8.8',
  '08.8.8.8',
  '134744072',
  '[::1]',
  '1.1.1.1.',
  ' 1.1.1.1',
]

describe('the range of an address', () => {
  test.each(PUBLIC)('%s is public', (address) => {
    expect(addressRange(address).use).toBe('public')
  })
  test.each(INSIDE)('%s is inside', (address) => {
    expect(addressRange(address).use).toBe('inside')
  })
  test.each(NEVER)('%s is never called', (address) => {
    expect(addressRange(address).use).toBe('never')
  })
})
