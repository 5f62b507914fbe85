/** How long each step took, in milliseconds; null for a step that was not made (a kept connection) or not reached. */
export interface Timing {
  dnsMs: number | null
  connectMs: number | null
  tlsMs: number | null
  /** From the start of the request until the status line and headers were there. */
  firstByteMs: number | null
  totalMs: number
}

/** Every way in which a request can end without an answer. The list is closed. */
export type FailureReason =
  /** The host leads to an address inside, and the operator has not allowed that host and port. */
  | 'blocked_address'
  /** The address is not an absolute http or https URL that can be called. */
  | 'bad_url'
  /** Method, header, size or client certificate of the request itself cannot be sent. */
  | 'bad_request'
  | 'dns'
  | 'connect'
  | 'tls'
  | 'timeout'
  /** The other side closed the connection before its answer was complete. */
  | 'reset'
  /** What came back is not HTTP/1.1. */
  | 'protocol'
  /** The headers of the answer are larger than the limit. */
  | 'too_large'
  /** The caller's signal. */
  | 'aborted'
  /** This way out was closed while the request was under way. */
  | 'closed'

export interface Answered {
  ok: true
  status: number
  /** Names in lower case, in the order received; repeated headers stay repeated. */
  headers: [name: string, value: string][]
  /** The first `responseBytesMax` bytes. */
  body: Buffer
  /** True when more than `responseBytesMax` bytes came; the rest was dropped unread with its connection. */
  truncated: boolean
  timing: Timing
  /** The address that was checked and connected to. */
  remoteAddress: string
}

export interface Unanswered {
  ok: false
  reason: FailureReason
  /** A sentence for the operator. It names hosts, addresses and ports, never paths, headers or bodies. */
  message: string
  /** Set when the status line had arrived before the rest failed to. */
  status?: number
  timing: Timing
}

export type Answer = Answered | Unanswered
