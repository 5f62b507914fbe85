/** Whether an answer with this status ends with its headers (RFC 9110 sections 15.3.5 and 15.3.6). */
export function hasNoContent(status: number): boolean {
  return status === 204 || status === 205
}
