/** What comes back for a request. */
export interface Answer {
  readonly status: number
  /** By their names in lower case; values of a repeated header are joined. */
  readonly headers: Readonly<Record<string, string>>
  /** Its beginning, as text. */
  readonly body: string
}

/** What the source finds wrong with an answer; undefined when it takes it for success. */
export type Taken = (answer: Answer, request: { readonly url: string }) => string | undefined

/** Most sources: any 2xx, whatever the body says. */
export const any2xx: Taken = ({ status }) => (status >= 200 && status <= 299 ? undefined : 'wants any 2xx')

export function onlyStatus(...statuses: number[]): Taken {
  const wanted = statuses.length === 1 ? `exactly ${statuses[0]}` : `one of ${statuses.join(', ')}`
  return ({ status }) => (statuses.includes(status) ? undefined : `wants ${wanted}`)
}

/** A status, and a body in which something stands. */
export function statusWith(status: number, pattern: RegExp, wanted: string): Taken {
  return (answer) =>
    answer.status === status && pattern.test(answer.body) ? undefined : `wants ${status} with ${wanted}`
}
