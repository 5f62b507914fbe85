import {
  type Message,
  type Preset,
  type ProofTools,
  type Verdict,
  verify,
} from '../../src/sources/sources.ts'

/** Tools with nothing in them, that say so when they are used. */
const NO_TOOLS: ProofTools = {
  fetchText: (url) => Promise.reject(new Error(`${url} is not to be fetched`)),
  rootCertificates: [],
  pinned: undefined,
}

/** The verdict on a message by a proof as an operator gives it: read by the preset's schema, with its defaults. */
export async function verdictOn(
  preset: Preset,
  given: object,
  message: Message,
  tools: Partial<ProofTools> = {},
): Promise<Verdict> {
  return verify(preset, preset.proof?.schema.parse(given), message, { ...NO_TOOLS, ...tools })
}

/** `proven`, or the fault and its note: `too_old: 301 s old`. */
export async function outcomeOf(...check: Parameters<typeof verdictOn>): Promise<string> {
  const verdict = await verdictOn(...check)
  if (verdict.proven) return 'proven'
  return verdict.note === undefined ? verdict.fault : `${verdict.fault}: ${verdict.note}`
}
