/** Names under which operators put secrets into headers and queries by hand. */
const SECRET_NAME = /auth|cookie|secret|token|passw|api-?_?key|signature|credential|^key$|-key$/i
const NO_SECRET = new Set(['idempotency-key', 'www-authenticate'])

/** Whether what stands in a header or query under this name is to be kept from readers. */
export function isCredentialName(name: string): boolean {
  return SECRET_NAME.test(name) && !NO_SECRET.has(name.toLowerCase())
}
