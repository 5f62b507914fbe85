/** Questions and answers between the conductor and a process that it has forked. */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export interface Channel<Question, Answer> {
  ask(question: Question): Promise<Answer>
  /** Lets it end by itself. */
  close(): Promise<void>
}

interface Asked<Question> {
  id: number
  question: Question
}

interface Answered<Answer> {
  id: number
  answer?: Answer
  failure?: string
}

/** Starts a program of this folder. It ends with its parent, whatever ends that, because its channel is cut. */
export function openChannel<Question, Answer>(program: string, args: string[]): Channel<Question, Answer> {
  // A group of its own: Ctrl-C in the terminal is for the conductor, which ends the others in order.
  const child = fork(fileURLToPath(new URL(program, import.meta.url)), args, { detached: true, execArgv: [] })
  const open = new Map<number, PromiseWithResolvers<Answer>>()
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  let next = 0
  child.on('message', ({ id, answer, failure }: Answered<Answer>) => {
    const asked = open.get(id)
    open.delete(id)
    if (failure === undefined) asked?.resolve(answer as Answer)
    else asked?.reject(new Error(`${program}: ${failure}`))
  })
  child.once('exit', (code) => {
    for (const asked of open.values()) asked.reject(new Error(`${program} ended with code ${code}`))
    open.clear()
  })
  return {
    ask(question) {
      const asked = Promise.withResolvers<Answer>()
      const id = next++
      open.set(id, asked)
      if (!send(child, { id, question })) asked.reject(new Error(`${program} is gone`))
      return asked.promise
    },
    async close() {
      if (child.connected) child.disconnect()
      await ended
    },
  }
}

function send<Question>(child: ChildProcess, asked: Asked<Question>): boolean {
  if (!child.connected) return false
  child.send(asked)
  return true
}

/** The other side. `end` is called when the channel is closed or the parent is gone. */
export function answerQuestions<Question, Answer>(
  answer: (question: Question) => Answer | Promise<Answer>,
  end: () => Promise<void>,
): void {
  process.on('message', ({ id, question }: Asked<Question>) => {
    Promise.resolve()
      .then(() => answer(question))
      .then(
        (given) => process.send?.({ id, answer: given }),
        (error: Error) => process.send?.({ id, failure: error.stack ?? error.message }),
      )
  })
  process.once('disconnect', () => {
    void end().finally(() => process.exit())
  })
}
