import { VERSION } from '../../platform/version.ts'
import type { Told, WayTools } from '../notice.ts'
import { onOneLine } from '../spoken.ts'

const TIMEOUT_MS = { connect: 5_000, total: 15_000 }
const ANSWER_BYTES_MAX = 4_096
const ANSWER_CHARS_MAX = 200

/** Posts JSON; any 2xx means that it was told. */
export async function postJson(
  url: string,
  headers: readonly [name: string, value: string][],
  body: string,
  { outbound, signal }: WayTools,
): Promise<Told> {
  const answer = await outbound.request({
    method: 'POST',
    url,
    headers: [['user-agent', `Sluice/${VERSION}`], ['content-type', 'application/json'], ...headers],
    body,
    timeoutMs: TIMEOUT_MS,
    responseBytesMax: ANSWER_BYTES_MAX,
    signal,
  })
  if (!answer.ok) return { ok: false, problem: answer.message }
  if (answer.status >= 200 && answer.status < 300) return { ok: true, problem: null }
  const said = onOneLine(answer.body.toString('utf8')).slice(0, ANSWER_CHARS_MAX).toWellFormed()
  return { ok: false, problem: `answered ${answer.status}${said === '' ? '' : `: ${said}`}` }
}
