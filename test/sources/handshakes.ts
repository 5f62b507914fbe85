import type { Message, Preset } from '../../src/sources/sources.ts'

/** What a preset answers to a message that is a handshake, and whether before it is proven. */
export function handshakeIn(preset: Preset, message: Message) {
  for (const { kind, method, asked, answer } of preset.handshakes) {
    const answered = method === message.method ? answer(message) : undefined
    if (answered) return { kind, asked, ...answered }
  }
  return undefined
}
