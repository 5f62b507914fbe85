/** What a function asks of the host in the middle of its call: a question goes over the channel, an answer comes back. */
export interface Outside {
  /** Never rejects: the host answers every question, or ends this process. */
  ask(question: string): Promise<string>
  /** An answer came. */
  answered(number: number, answer: string): void
}

export function createOutside(send: (number: number, question: string) => void): Outside {
  const waiting = new Map<number, (answer: string) => void>()
  let asked = 0
  return {
    ask(question) {
      asked += 1
      const number = asked
      return new Promise((resolve) => {
        waiting.set(number, resolve)
        send(number, question)
      })
    },
    answered(number, answer) {
      const resolve = waiting.get(number)
      waiting.delete(number)
      resolve?.(answer)
    },
  }
}
