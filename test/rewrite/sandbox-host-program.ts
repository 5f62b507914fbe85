/** A host that is to be killed in the middle of two endless calls; prints the ids of its sandbox processes. */
import { openSandbox } from './sandbox-world.ts'

const sandbox = openSandbox(2)
await Promise.all([1, 2].map(() => sandbox.run('return { jobStatus: 1 }')))
for (const applicationId of ['a', 'b'])
  void sandbox.run('for (;;);', { applicationId, limits: { cpuMs: 60_000, wallMs: 60_000 } })
process.stdout.write(`${JSON.stringify(sandbox.pids())}\n`)
