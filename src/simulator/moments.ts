/** Moments as source systems write them. */

export function unixSeconds(moment: Date): number {
  return Math.floor(moment.getTime() / 1000)
}

/** `2026-01-01T00:00:00Z` */
export function isoSeconds(moment: Date): string {
  return moment.toISOString().replace(/\.\d+Z$/, 'Z')
}

/** `2026-01-01T00:00:00+00:00` */
export function isoWithOffset(moment: Date): string {
  return moment.toISOString().replace(/\.\d+Z$/, '+00:00')
}

/** `2026-01-01T00:00:00`, in UTC */
export function isoWithoutZone(moment: Date): string {
  return moment.toISOString().replace(/\.\d+Z$/, '')
}
