/**
 * Loaded into a gateway before its program (`node --import`): its clock goes wrong by as many milliseconds as stand in
 * the file that CHAOS_CLOCK_FILE names. As on a machine whose clock is set, timers and `performance` go on as before;
 * only what asks for the time of day gets another answer. Nobody else's clock is touched.
 */
import { existsSync, readFileSync } from 'node:fs'

const READ_EVERY_MS = 100

const file = process.env.CHAOS_CLOCK_FILE ?? ''
const RealDate = Date
let offsetMs = 0

function read(): void {
  offsetMs = existsSync(file) ? Number(readFileSync(file, 'utf8')) || 0 : 0
}

function now(): number {
  return RealDate.now() + offsetMs
}

function TurnedDate(...given: []): Date | string {
  if (!new.target) return new RealDate(now()).toString()
  return Reflect.construct(RealDate, given.length === 0 ? [now()] : given, new.target)
}

if (file !== '') {
  TurnedDate.prototype = RealDate.prototype
  Object.setPrototypeOf(TurnedDate, RealDate)
  TurnedDate.now = now
  TurnedDate.prototype.constructor = TurnedDate as unknown as DateConstructor
  globalThis.Date = TurnedDate as unknown as DateConstructor
  read()
  setInterval(read, READ_EVERY_MS).unref()
}
