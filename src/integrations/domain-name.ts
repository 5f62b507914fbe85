import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'

const LENGTH_MAX = 253
// The underscore is no letter of a host name, but providers do use it in names below their domain.
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/
const NUMBER_LABEL = /^(?:[0-9]+|0x[0-9a-f]*)$/
// domainToASCII would cut or decode these in silence, as in a URL.
const URL_SYNTAX = /[%/\\?#@:[\]<>^|"'\u0000-\u0020\u007f]/

/**
 * Reads a domain in any script, with or without a dot after it, and gives its ASCII form in lower case; or why it is
 * none: a `number` is what URLs take for an address.
 */
export function readDomainName(text: string): { domain: string } | { fault: 'syntax' | 'number' } {
  if (URL_SYNTAX.test(text)) return { fault: 'syntax' }
  const domain = domainToASCII(text.replace(/\.$/, ''))
  const labels = domain.split('.')
  if (NUMBER_LABEL.test(labels.at(-1) ?? '') || isIP(domain) > 0) return { fault: 'number' }
  const isName = domain.length <= LENGTH_MAX && labels.every((label) => LABEL.test(label))
  return isName ? { domain } : { fault: 'syntax' }
}
