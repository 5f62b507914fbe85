import { parseExact, stringifyExact } from '../../src/payload/exact-json.ts'
import type { FunctionLimits } from '../../src/rewrite/sandbox/contract.ts'
import { createFrameReader, encodeFrame } from '../../src/rewrite/sandbox/frames.ts'
import { type Reply, readAsk, readReply } from '../../src/rewrite/sandbox/protocol.ts'
import {
  readExpressionOutcomes,
  readFunctionOutcome,
  readSyntaxVerdict,
} from '../../src/rewrite/sandbox/read-outcome.ts'
import { joinParts, partsOf, promised, target } from '../target.ts'

const LIMITS: FunctionLimits = {
  memoryMb: 128,
  cpuMs: 1_000,
  wallMs: 5_000,
  outputBytesMax: 1_000_000,
  logLinesMax: 100,
  logBytesMax: 10_000,
}
const HEAD = { end: 'settled', message: '', cpuMs: 1, wallMs: 2, rssBytes: 3 }

export const sandboxReply = target({
  name: 'sandbox-reply',
  reads:
    'what a sandbox process says: the texts of a frame, or with the word `frames` the bytes of the channel',
  promise:
    'nonsense ends the process; of a reply an outcome is made whose data can be read and written, and stored',
  seeds: [
    joinParts(
      '',
      JSON.stringify(HEAD),
      '{"ok":true,"hasData":true,"message":"done","log":[{"level":"log","text":"x"}]}',
      '{"a":1}',
    ),
    joinParts('', JSON.stringify({ ...HEAD, end: 'out_of_cpu', message: '3' }), ''),
    joinParts(
      '',
      JSON.stringify({ ...HEAD, end: 'syntax', place: { line: 1, column: 2 }, unhandled: 'x\0' }),
      '',
    ),
    joinParts('', JSON.stringify(HEAD), '[{"ok":true,"value":"1"},{"ok":false,"message":"no"}]'),
    joinParts('', JSON.stringify(HEAD), '{"ok":false,"reason":"threw","message":"\\u0000\\ud800"}'),
    joinParts('', '{"ask":1}', '{"url":"https://example.com"}'),
    joinParts('frames', encodeFrame([JSON.stringify(HEAD), '{"ok":true,"hasData":false}'])),
    joinParts('frames', encodeFrame([]), encodeFrame(['{}'])),
  ],
  words: [
    '"ok":true',
    '"hasData":true',
    '"end":"settled"',
    '"message":',
    '"log":',
    '"level":',
    '[',
    ']',
    '{',
    '}',
    'null',
    '\0\0\0\u0004',
    '\n---\n',
    '\n---\n[]',
  ],
  bytesMax: 2_000_000,
  long: {
    'deep data': (bytes) => reply('['.repeat(bytes / 2) + ']'.repeat(bytes / 2)),
    'long data': (bytes) => reply(`[${'1,'.repeat(bytes / 2)}1]`),
    'a long log': (bytes) =>
      joinParts(
        '',
        JSON.stringify(HEAD),
        `{"ok":true,"hasData":false,"log":[${'{"level":"log","text":"\\u0000"},'.repeat(bytes / 32)}1]}`,
      ),
    frames: (bytes) =>
      joinParts('frames', Buffer.concat(Array(Math.ceil(bytes / 8)).fill(encodeFrame([''])))),
    'texts of a frame': (bytes) => joinParts('frames', encodeFrame(Array(Math.ceil(bytes / 4)).fill(''))),
  },
  read(input) {
    const [word = '', ...texts] = partsOf(input, 4).map((part) => part.toString('utf8'))
    const frames = word === 'frames' ? framesIn(input.subarray('frames\n---\n'.length)) : [texts]
    return frames.flatMap((frame) => {
      const reply = replyIn(frame)
      if (!reply) return []
      const end = { kind: 'reply' as const, reply }
      const outcome = readFunctionOutcome(end, LIMITS, 'order')
      const written = outcome.ok && outcome.data !== undefined ? stringifyExact(parseExact(outcome.data)) : ''
      return [
        {
          outcome,
          written,
          expressions: readExpressionOutcomes(end, LIMITS, 1),
          syntax: readSyntaxVerdict(end, LIMITS),
        },
      ]
    })
  },
  judge(_input, replies) {
    for (const { outcome, written, expressions } of replies) {
      promised(expressions.length === 1, 'an expression has an outcome')
      const texts = [outcome.message, ...outcome.log.map(({ text }) => text)]
      promised(
        texts.every((text) => !text.includes('\0') && text.isWellFormed()),
        'texts can be stored',
      )
      promised(typeof written === 'string', 'data can be written')
    }
  },
})

function reply(data: string): Buffer {
  return joinParts('', JSON.stringify(HEAD), '{"ok":true,"hasData":true,"message":""}', data)
}

/** As the conversation does it, where whatever is thrown is the end of the process. */
function framesIn(bytes: Buffer): string[][] {
  const reader = createFrameReader(() => 4_000_000)
  const frames: string[][] = []
  try {
    const half = Math.floor(bytes.length / 2)
    for (const chunk of [bytes.subarray(0, half), bytes.subarray(half)]) frames.push(...reader.push(chunk))
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
  }
  return frames
}

function replyIn(frame: readonly string[]): Reply | undefined {
  try {
    return readAsk(frame) ? undefined : readReply(frame)
  } catch {
    return undefined
  }
}
