/** Limits on the shape of a payload, alike for JSON, XML and forms. */
export interface BodyLimits {
  /** Levels of objects, arrays or elements, the outermost counted as 1. */
  readonly depthMax: number
  /** Object keys, array elements, XML elements, attributes and CDATA sections, form fields: all of them together. */
  readonly keysMax: number
}

/** No shop's payload comes near: deep ones have about ten levels, the largest orders about 10,000 keys. */
export const DEFAULT_BODY_LIMITS: BodyLimits = { depthMax: 100, keysMax: 100_000 }

/** Recursive walkers all over the program may rely on this: no setting allows a deeper payload. */
export const PAYLOAD_DEPTH_CEILING = 500

/** The depth that holds, whatever was configured. */
export function effectiveDepthMax(limits: BodyLimits): number {
  return Math.min(limits.depthMax, PAYLOAD_DEPTH_CEILING)
}
