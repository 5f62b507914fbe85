import { type Profiler, Session } from 'node:inspector'

/** Which parts of the program an input went through. */
export type Sample = readonly Profiler.ScriptCoverage[]

export interface Coverage {
  /** What was run since it was last asked. */
  take(): Sample
  /** True when the sample has gone where none that was kept has been. */
  isNew(sample: Sample): boolean
  keep(sample: Sample): void
  /** How many places were reached in all. */
  reached(): number
  close(): void
}

/**
 * Coverage of our own code and of the libraries that read for it, by blocks, as V8 counts it anyway: no other code
 * is written into the program. Only modules that are loaded afterwards are counted by blocks. One question costs about
 * a millisecond, so it is asked for many inputs at once.
 */
export function openCoverage(covered = COVERED): Coverage {
  const session = new Session()
  session.connect()
  const known = new Map<string, Uint8Array>()
  let reached = 0

  // Within one process the answer is there when the question returns.
  function take(): Sample {
    let sample: Sample = []
    session.post('Profiler.takePreciseCoverage', (error, answer) => {
      if (error) throw error
      sample = answer.result.filter(({ url }) => covered.test(url))
    })
    return sample
  }

  /** Goes through all places that the sample reached and none before; stops when told to. */
  function visitNew(sample: Sample, visit: (places: Uint8Array, at: number) => boolean): boolean {
    for (const { url, functions } of sample) {
      for (const one of functions) {
        const [whole] = one.ranges
        if (!whole || whole.count === 0) continue
        const name = `${url} ${whole.startOffset} ${whole.endOffset}`
        const places = known.get(name) ?? new Uint8Array(whole.endOffset - whole.startOffset)
        known.set(name, places)
        const run = placesRun(one, whole.startOffset)
        for (let at = 0; at < run.length; at++)
          if (run[at] === 1 && places[at] === 0 && visit(places, at)) return true
      }
    }
    return false
  }

  session.post('Profiler.enable')
  session.post('Profiler.startPreciseCoverage', { callCount: false, detailed: true })
  return {
    take,
    isNew: (sample) => visitNew(sample, () => true),
    keep(sample) {
      visitNew(sample, (places, at) => {
        places[at] = 1
        reached++
        return false
      })
    },
    reached: () => reached,
    close() {
      session.post('Profiler.stopPreciseCoverage')
      session.disconnect()
    },
  }
}

/** By the addresses of modules. */
const COVERED = /^file:.*\/(?:src|fast-xml-parser|liquidjs|ipaddr\.js|iconv-lite|luxon)\//

/** One for each character of the function that was run; blocks within others come after them. */
function placesRun({ ranges }: Profiler.FunctionCoverage, start: number): Uint8Array {
  const run = new Uint8Array((ranges[0]?.endOffset ?? start) - start)
  for (const { startOffset, endOffset, count } of ranges)
    run.fill(count === 0 ? 0 : 1, startOffset - start, endOffset - start)
  return run
}
