import type { ChildProcess } from 'node:child_process'
import type { Duplex } from 'node:stream'
import type { AskOutside } from './contract.ts'
import { createFrameReader, encodeFrame } from './frames.ts'
import { type AnswerHead, type Reply, readAsk, readReply } from './protocol.ts'

export type ErrandEnd =
  | { kind: 'reply'; reply: Reply }
  /** The host killed the process because the errand overran. */
  | { kind: 'killed'; over: 'time' | 'memory'; wallMs: number }
  /** The process ended, or stopped making sense, for a reason of its own. */
  | { kind: 'died'; detail: string }

/** The talk with one process: a request, questions perhaps, then one end of it, which may be that of the process. */
export interface Conversation {
  /**
   * The end of what is said next; `frameBytesMax` is the longest answer listened to. Until then questions are answered
   * by `ask`, whose signal ends with the errand. Never rejects.
   */
  nextEnd(frameBytesMax: number, ask?: AskOutside): Promise<ErrandEnd>
  say(parts: readonly string[]): void
  /** False once the process has ended, was ended, or has said that it is about to. */
  isOpen(): boolean
  /** Ends the process, with this as the end of what is under way. */
  breakOff(end: ErrandEnd): void
  /** Resolves when the process is gone and its last words are read. */
  readonly closed: Promise<void>
}

const STDERR_CHARS_MAX = 2_000

export function converse(child: ChildProcess): Conversation {
  const channel = child.stdio[3] as Duplex
  const lastWords = keepTail(child)
  let isOpen = true
  let frameBytesMax = 0
  let listener: ((end: ErrandEnd) => void) | undefined
  let asked: { ask: AskOutside; ending: AbortController } | undefined

  const conclude = (end: ErrandEnd): void => {
    const listening = listener
    listener = undefined
    asked?.ending.abort()
    asked = undefined
    listening?.(end)
  }
  const breakOff = (end: ErrandEnd): void => {
    isOpen = false
    child.kill('SIGKILL')
    conclude(end)
  }
  const answer = (number: number, question: string): void => {
    const errand = asked
    if (errand === undefined) throw new TypeError('a question where none may be asked')
    void errand.ask(question, errand.ending.signal).then((text) => {
      const head: AnswerHead = { kind: 'answer', ask: number }
      // The answer to an errand that is over would be taken for one to the next.
      if (isOpen && asked === errand) channel.write(encodeFrame([JSON.stringify(head), text]))
    })
  }
  const hear = (frame: string[]): void => {
    // A reply that nobody asked for comes from a process that is no longer ours.
    if (listener === undefined) throw new TypeError('a reply without a request')
    const question = readAsk(frame)
    if (question) {
      answer(question.number, question.question)
      return
    }
    const reply = readReply(frame)
    if (reply.head.isDying) isOpen = false
    conclude({ kind: 'reply', reply })
  }
  const reader = createFrameReader(() => frameBytesMax)
  channel.on('error', () => undefined)
  channel.on('data', (chunk: Buffer) => {
    if (!isOpen) return
    try {
      for (const frame of reader.push(chunk)) hear(frame)
    } catch (error) {
      breakOff({ kind: 'died', detail: `it sent ${error instanceof Error ? error.message : 'nonsense'}` })
    }
  })
  const closed = endOf(child).then((detail) => {
    isOpen = false
    conclude({ kind: 'died', detail: `${detail}${lastWords()}` })
  })

  return {
    closed,
    breakOff,
    isOpen: () => isOpen,
    say: (parts) => void channel.write(encodeFrame(parts)),
    nextEnd(bytesMax, ask) {
      frameBytesMax = bytesMax
      asked = ask && { ask, ending: new AbortController() }
      return new Promise((resolve) => {
        listener = resolve
      })
    },
  }
}

/** `close` comes after everything that the process sent has been read, `exit` may come before. */
function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('close', (code, signal) =>
      resolve(signal ? `ended by ${signal}` : `ended with status ${code}`),
    )
  })
}

/** What it wrote to its standard error last. */
function keepTail(child: ChildProcess): () => string {
  let tail = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    tail = (tail + text).slice(-STDERR_CHARS_MAX)
  })
  return () => (tail === '' ? '' : `: ${tail.trim()}`)
}
