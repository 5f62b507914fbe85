import type { Target } from './target.ts'
import { body } from './targets/body.ts'
import { certificate } from './targets/certificate.ts'
import { charset } from './targets/charset.ts'
import { condition } from './targets/condition.ts'
import { contentEncoding } from './targets/content-encoding.ts'
import { contentType } from './targets/content-type.ts'
import { form } from './targets/form.ts'
import { itemResults } from './targets/item-results.ts'
import { journal } from './targets/journal.ts'
import { json } from './targets/json.ts'
import { mapping } from './targets/mapping.ts'
import { mergeFields } from './targets/merge-fields.ts'
import { path } from './targets/path.ts'
import { ptrName } from './targets/ptr-name.ts'
import { redaction } from './targets/redaction.ts'
import { requestTarget } from './targets/request-target.ts'
import { retryAfter } from './targets/retry-after.ts'
import { sandboxReply } from './targets/sandbox-reply.ts'
import { signature } from './targets/signature.ts'
import { address } from './targets/source-address.ts'
import { template } from './targets/template.ts'
import { xml } from './targets/xml.ts'

/** In the order in which a request meets them. */
export const TARGETS: readonly Target[] = [
  address,
  ptrName,
  requestTarget,
  certificate,
  contentEncoding,
  signature,
  contentType,
  charset,
  body,
  json,
  xml,
  form,
  path,
  redaction,
  condition,
  mapping,
  mergeFields,
  template,
  retryAfter,
  itemResults,
  sandboxReply,
  journal,
]
