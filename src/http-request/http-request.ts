/**
 * How is an outgoing request written, and what does its answer mean? From a config with templates and credentials, for
 * whoever asks another system something: a delivery, or a node in the middle of a run.
 */
export { type WrittenBody, writeBody } from './body.ts'
export { type Hidden, maskHeaders, maskText, maskUrl } from './mask.ts'
export { type Performed, type PerformOptions, performRequest, type Wish } from './perform.ts'
export type { GivenBody, RequestFacts, ShownRequest } from './request.ts'
export { createTokens, type Tokens } from './tokens.ts'
export { type Verdict, type VerdictPolicy, type VerdictReason, verdict } from './verdict.ts'
