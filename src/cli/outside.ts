import type { Visit } from '../admin/admin.ts'
import type { FetchText } from '../integrations/integrations.ts'
import { createOutbound, type Outbound } from '../outbound/outbound.ts'
import type { Log } from '../platform/log.ts'
import { VERSION } from '../platform/version.ts'
import type { Closers } from './closers.ts'

/** What is asked of vendors for the operator or by the clock, never for a sender. */
export interface Outside {
  visit: Visit
  fetchText: FetchText
}

const TIMEOUT_MS = { connect: 5_000, total: 20_000 }
const VISIT_BYTES_MAX = 65_536
/** GitHub's document has some hundred kilobytes, most of it addresses of other services. */
const LIST_BYTES_MAX = 4 * 1024 * 1024

/** Opened over a way out of its own, for which nothing inside is allowed. */
export function openOutside(log: Log, closers: Closers): Outside {
  return outsideOver(closers.add(createOutbound({ allowed: [], log }), (opened) => opened.close()))
}

export function outsideOver(outbound: Outbound): Outside {
  // GitHub's API answers nobody without a name.
  const headers: [string, string][] = [['user-agent', `Sluice/${VERSION}`]]
  const get = (url: string, responseBytesMax: number, signal?: AbortSignal) =>
    outbound.request({
      method: 'GET',
      url,
      headers,
      timeoutMs: TIMEOUT_MS,
      responseBytesMax,
      ...(signal && { signal }),
    })

  return {
    async visit(url) {
      const answer = await get(url, VISIT_BYTES_MAX)
      return answer.ok ? { ok: true, status: answer.status } : { ok: false, message: answer.message }
    },
    async fetchText(url, signal) {
      const answer = await get(url, LIST_BYTES_MAX, signal)
      if (!answer.ok) return { ok: false, message: answer.message }
      const { host } = new URL(url)
      if (answer.status !== 200) return { ok: false, message: `${host} answered ${answer.status}` }
      if (answer.truncated)
        return { ok: false, message: `the answer of ${host} is larger than ${LIST_BYTES_MAX} bytes` }
      return { ok: true, text: answer.body.toString('utf8') }
    },
  }
}
