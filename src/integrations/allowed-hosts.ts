import { z } from 'zod'

/** A host, `*.` before it or none, and a port or none. */
const ENTRY =
  /^(\*\.)?((?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_-]{1,63}|\[[0-9a-f:.]+\])(?::([1-9][0-9]{0,4}))?$/

const allowedHost = z
  .string()
  .max(300)
  .toLowerCase()
  .refine(
    isEntry,
    'is not host, host:port or *.domain (a host as it stands in a URL, without scheme and path)',
  )

/** Whom the rewrite functions of an integration may ask. */
export const allowedHostsSchema = z
  .array(allowedHost)
  .max(100)
  .default([])
  .describe('hosts that rewrite functions may call with fetchUrl: host, host:port or *.domain')

/**
 * Whether a URL leads to a host of the list. Without a port an entry means the port of the scheme, 443 or 80; `*.`
 * stands for one name or more before the rest, never for none.
 */
export function allowsHost(list: readonly string[], url: URL): boolean {
  const port = url.port || (url.protocol === 'https:' ? '443' : '80')
  const host = url.hostname.replace(/\.$/, '')
  return list.some((entry) => {
    const [, wild, name = '', entryPort] = ENTRY.exec(entry) ?? []
    if (entryPort === undefined ? url.port !== '' : entryPort !== port) return false
    return wild === undefined ? host === name : host.endsWith(`.${name}`)
  })
}

function isEntry(text: string): boolean {
  const [, wild, name = '', port] = ENTRY.exec(text) ?? []
  if (name === '' || Number(port ?? 1) > 65_535) return false
  if (!URL.canParse(`http://${name}/`)) return false
  // Another spelling would never be met: hosts are compared as a URL gives them.
  const { hostname } = new URL(`http://${name}/`)
  return hostname === name && (wild === undefined || (name.includes('.') && !/^[0-9.]+$/.test(name)))
}
