/**
 * What a rewrite function finds, for editors. The contract in words is in README.md beside this file.
 *
 * A function is the body of an async function, so `return` and `await` stand at its top level.
 */

/**
 * Any JSON value. Integers beyond 2^53 (many shop ids) are `bigint`; a number that JavaScript cannot hold at all
 * (`1e400`, a decimal of twenty digits) is a `string` with its exact digits.
 */
type Payload = any

interface Job {
  /** Id of the run's event: the same again when the event is replayed. */
  id: string
  /** The sending system, and what it calls the event; null where it says nothing. */
  source: {
    /** The integration's source preset, such as `shopify`. */
    name: string
    /** Topic or event type, such as `orders/create`. */
    topic: string | null
    deliveryId: string | null
    eventId: string | null
    /** ISO 8601 in UTC. */
    occurredAt: string | null
    /** Shop, domain or account that it comes from. */
    sender: string | null
  }
  /** The request that brought the event; header names in lower case, credentials replaced by fingerprints. */
  request: {
    method: string
    path: string
    sourceIp: string
    contentType: string | null
    headers: Record<string, string>
  }
  data: {
    /** The webhook's body: an object, or an array where the sender sends several at once. */
    data: Payload
  }
}

interface JobData {
  job: Job
  /** The integration's settings, without credentials. */
  integration: Payload
  /** The node that calls the function. */
  currentNode: Payload
  /** Sluice has no queue manager. It can be passed around; every use throws an Error that says what to do instead. */
  queueManager: never
}

/** What a function returns. */
interface JobResult {
  /** 1 is success. Everything else is a failure with `message` as its reason. */
  jobStatus: number
  /**
   * Goes on to the next node. At a push node an array is one delivery for each element (unless its `array` is `whole`),
   * an empty array or nothing is none.
   */
  data?: Payload
  /** Shown with the run. */
  message?: string
}

declare var jobData: JobData
declare var job: Job
declare var integration: Payload
declare var currentNode: Payload
declare var queueManager: never

interface FetchOptions {
  /** `GET` unless given. */
  method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  headers?: Record<string, string | number>
  /** A text is sent as it is, anything else as JSON; up to 1 MiB. */
  body?: Payload
}

interface FetchAnswer {
  status: number
  /** True for 200 to 299; redirects are not followed. */
  ok: boolean
  /** Names in lower case. */
  headers: Record<string, string>
  text(): string
  /** Numbers as in the payload. */
  json(): Payload
  /** Throws unless `ok` is true. */
  requireOk(): FetchAnswer
}

/**
 * Asks a host that the integration lists in its `allowedHosts`; throws for any other, and when no answer comes. At most
 * 20 times in a call of the function. Each request stands in the log.
 */
declare function fetchUrl(url: string, options?: FetchOptions): Promise<FetchAnswer>

interface SluiceConsole {
  log(...values: unknown[]): void
  info(...values: unknown[]): void
  warn(...values: unknown[]): void
  error(...values: unknown[]): void
  debug(...values: unknown[]): void
  trace(...values: unknown[]): void
  dir(value: unknown): void
  table(value: unknown): void
  group(...values: unknown[]): void
  assert(condition: unknown, ...values: unknown[]): void
}
/** Every line is kept with the run, within the limits of lines and bytes. */
declare var console: SluiceConsole

interface JSON {
  /** As everywhere, except that integers beyond 2^53 become `bigint` and unholdable numbers become strings. */
  parse(
    text: string,
    reviver?: (this: unknown, key: string, value: unknown, context: { source?: string }) => unknown,
  ): Payload
  /**
   * Makes a number that JavaScript cannot hold, in `data` and for `JSON.stringify`:
   * `JSON.rawJSON('0.12345678901234567890')`. Others keep their value, and not zeros at the end.
   */
  rawJSON(digits: string): object
  isRawJSON(value: unknown): boolean
}

interface BigInt {
  /** Lets `JSON.stringify` write a bigint as its digits. */
  toJSON(): object
}

/** Copies plain objects, arrays, dates, maps and sets, cycles included. */
declare function structuredClone<Value>(value: Value): Value
/** Base64 of a text whose characters are all below U+0100. */
declare function btoa(data: string): string
declare function atob(data: string): string
