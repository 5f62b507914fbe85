import { afterAll, expect, test } from 'vitest'
import { openRewriter } from '../../src/cli/foundations.ts'
import { createLog } from '../../src/platform/log.ts'
import { createMetrics } from '../../src/platform/metrics.ts'
import { readSettings } from '../../src/platform/settings.ts'

const settings = readSettings({
  SANDBOX_PROCESSES: '1',
  FUNCTION_MEMORY_MB: '16',
  FUNCTION_CPU_MS: '300',
  FUNCTION_OUTPUT_BYTES_MAX: '1024',
})
const rewriter = openRewriter(settings, createMetrics(), createLog('silent'))
afterAll(() => rewriter.close())

test.each([
  [
    'FUNCTION_MEMORY_MB',
    'const all = []; for (;;) all.push(new Array(100_000).fill(1))',
    'out_of_memory',
    '16 MB',
  ],
  ['FUNCTION_CPU_MS', 'for (;;);', 'timed_out', '300 ms'],
  [
    'FUNCTION_OUTPUT_BYTES_MAX',
    'return { jobStatus: 1, data: "x".repeat(1025) }',
    'output_too_large',
    '1024',
  ],
])('%s is a limit of each call', async (_setting, source, reason, message) => {
  const jobData = '{"job":{"id":"1","data":{}},"integration":{"id":"1"},"currentNode":{"name":"n"}}'
  const call = { applicationId: 'shop', name: 'f', version: source, source, jobData }
  const outcome = await rewriter.call(call)
  expect(outcome).toMatchObject({ ok: false, reason })
  expect(outcome.message).toContain(message)
})
