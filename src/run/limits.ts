/** What one run may make. All of it is in memory until it is written, in one statement, so a run without limits harms all others. */
export interface RunLimits {
  /** Of all its push nodes together. */
  deliveriesMax: number
  /** What its nodes give and its deliveries hold, together. */
  bytesMax: number
}

export function tooManyDeliveries(made: number, before: number, { deliveriesMax }: RunLimits): string | null {
  if (before + made <= deliveriesMax) return null
  const beside = before === 0 ? '' : ` beside ${shown(before)} that were made before`
  return `made ${shown(made)} items${beside}; a run makes at most ${shown(deliveriesMax)} deliveries`
}

export function tooManyBytes(bytes: number, { bytesMax }: RunLimits): string | null {
  if (bytes <= bytesMax) return null
  return `what the nodes gave and the deliveries hold comes to ${shown(bytes)} bytes; a run holds at most ${shown(bytesMax)}`
}

function shown(count: number): string {
  return count.toLocaleString('en-US')
}
