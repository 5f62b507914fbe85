import { storableText } from './storable-text.ts'

/** What a node did. */
export interface NodeResult {
  nodeId: string
  outcome: string
  message: string | null
  /** Exact JSON text of what the node gave on. */
  output: string | null
  log: unknown[]
  /** What it asked another system. */
  call: CallRecord | null
  functionVersion: string | null
  wallMs: number
  cpuMs: number
}

/** A request in the middle of a run as it is kept, secrets masked; the body of its answer is in the output. */
export interface CallRecord {
  method: string
  url: string
  headers: [name: string, value: string][]
  status: number | null
  reason: string
  responseBytes: number | null
  /** Milliseconds by phase. */
  timing: Record<string, number>
}

/**
 * Parts of a statement that writes the results of a run, in place of those of an earlier try: `run` is the part before
 * it that gives `id` and `retries`, `results` the parameter with {@link resultRows}; $1 is the id of the run as well, by
 * which the statement knows beforehand in which partition to look.
 */
export function writeResults(run: string, results: string): string {
  return `results AS (
  INSERT INTO node_results (run_id, position, node_id, outcome, message, output, log, call, function_version, wall_ms,
                            cpu_ms)
  SELECT ${run}.id, given.* FROM ${run}, json_to_recordset(${results}::text::json) AS given(
    position int, node_id text, outcome text, message text, output text, log text, call text, function_version text,
    wall_ms int, cpu_ms int)
  ON CONFLICT (run_id, position) DO UPDATE SET node_id = excluded.node_id, outcome = excluded.outcome,
    message = excluded.message, output = excluded.output, log = excluded.log, call = excluded.call,
    function_version = excluded.function_version, wall_ms = excluded.wall_ms, cpu_ms = excluded.cpu_ms
), results_before AS (
  DELETE FROM node_results USING ${run}
  WHERE run_id = $1 AND run_id = ${run}.id AND ${run}.retries > 0 AND position >= json_array_length(${results}::text::json)
)`
}

export function resultRows(results: readonly NodeResult[]): string {
  return JSON.stringify(results.map(resultRow))
}

function resultRow(result: NodeResult, position: number): object {
  return {
    position,
    node_id: result.nodeId,
    outcome: result.outcome,
    message: result.message === null ? null : storableText(result.message),
    output: result.output,
    log: JSON.stringify(result.log),
    call: result.call === null ? null : storableText(JSON.stringify(result.call)),
    function_version: result.functionVersion,
    wall_ms: Math.round(result.wallMs),
    cpu_ms: Math.round(result.cpuMs),
  }
}
