import { isIP } from 'node:net'
import { sourceAddress } from '../../src/edge/source-address.ts'
import { readAddress, readNetwork } from '../../src/integrations/integrations.ts'
import { filled, HEADER_BYTES_MAX, joinParts, partsOf, promised, target } from '../target.ts'

const PROXY = '10.0.0.7'
const PROXIES = [cidr('10.0.0.0/8'), cidr('2001:db8:aaaa::/48')]
const HEADERS = ['x-forwarded-for', 'forwarded', 'x-real-ip'] as const

export const address = target({
  name: 'source-address',
  reads:
    'which forwarded header is believed, what the caller typed into it, and what proxies added behind that',
  promise:
    'an address in its one canonical form, or a fault; what the caller typed never changes the address that our own ' +
    'proxy added; no proxy of ours is ever the source while somebody else is named',
  seeds: [
    joinParts('x-forwarded-for', '6.6.6.6', '203.0.113.5, 10.0.0.9'),
    joinParts('x-forwarded-for', '', '[2001:db8::1]:443'),
    joinParts('x-forwarded-for', '"', '::ffff:198.51.100.7'),
    joinParts('forwarded', 'for="x', 'for=203.0.113.5;proto=https;by=10.0.0.7, for="[2001:db8:aaaa::9]:1"'),
    joinParts('forwarded', '', 'For="203.0.113.5:_x";host="a,b;c\\""'),
    joinParts('x-real-ip', '', '203.0.113.5'),
    joinParts('x-real-ip', '1.2.3.4', '203.0.113.5'),
    joinParts('x-forwarded-for', '', '0177.0.0.1, fe80::1%eth0, 1.2.3'),
  ],
  words: [
    ',',
    ';',
    '"',
    '\\',
    '=',
    'for=',
    'For="',
    'by=',
    'proto=https',
    '[',
    ']',
    ':',
    '%',
    '10.0.0.7',
    '203.0.113.5',
    '2001:db8::1',
    '::ffff:1.2.3.4',
    'unknown',
    '_hidden',
    ' ',
    '\t',
    '\n---\n',
  ],
  bytesMax: HEADER_BYTES_MAX,
  long: {
    'proxies of ours': (bytes) =>
      joinParts('x-forwarded-for', '', filled(bytes, '10.0.0.7,', '', '10.0.0.7')),
    commas: (bytes) => joinParts('x-forwarded-for', '', filled(bytes, ',', '1.1.1.1', '10.0.0.7')),
    blanks: (bytes) => joinParts('x-forwarded-for', '', filled(bytes, ' ', '1.1.1.1', 'x')),
    'elements of ours': (bytes) =>
      joinParts('forwarded', '', filled(bytes, 'for=10.0.0.7,', '', 'for=10.0.0.7')),
    'one element of many parts': (bytes) => joinParts('forwarded', '', filled(bytes, ';a=b', 'for=10.0.0.7')),
    'backslashes in quotes': (bytes) => joinParts('forwarded', '', filled(bytes, '\\\\', 'for="', '"')),
    'quotes and backslashes': (bytes) => joinParts('forwarded', '', filled(bytes, '\\"', 'for="', '"')),
    quotes: (bytes) => joinParts('forwarded', '', filled(bytes, '"', 'for=')),
    'one node': (bytes) => joinParts('forwarded', '', filled(bytes, '1', 'for=')),
  },
  read(input) {
    const [header, typed = '', added = ''] = partsOf(input, 3).map((part) => part.toString('latin1'))
    const value = [typed, added].filter((part) => part !== '').join(', ')
    return {
      source: sourceOf(header, value),
      alone: sourceOf(header, added),
      addresses: [typed, added].map(readAddress),
    }
  },
  judge(_input, { source, alone, addresses }) {
    for (const one of addresses) {
      if (!one) continue
      promised(isIP(one.text) === one.family, 'an address is one')
      promised(readAddress(one.text)?.value === one.value, 'the canonical form is read as the same address')
      promised('cidr' in readNetwork(one.text), 'an address is a network of one')
    }
    if (!('address' in source)) return
    promised(readAddress(source.address)?.text === source.address, 'the source is in its canonical form')
    const isSettled = 'address' in alone && !isOurs(alone.address)
    if (isSettled) promised(source.address === alone.address, 'what the caller typed changes nothing')
  },
})

/** X-Real-IP with what the caller typed is two values, which is a fault by itself. */
function sourceOf(header: string | undefined, value: string) {
  const forwardedHeader = HEADERS.find((one) => one === header) ?? 'x-forwarded-for'
  return sourceAddress(
    {
      socketAddress: PROXY,
      header: () => (forwardedHeader === 'x-real-ip' ? value.split(', ').at(-1) : value),
    },
    { proxies: PROXIES, forwardedHeader },
  )
}

function isOurs(text: string): boolean {
  return /^10\.|^2001:db8:aaaa:/.test(text)
}

function cidr(text: string) {
  const reading = readNetwork(text)
  if ('problem' in reading) throw new Error(reading.problem)
  return reading.cidr
}
