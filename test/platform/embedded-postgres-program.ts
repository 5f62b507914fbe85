/**
 * Stands in for Sluice in the tests: brings up the embedded PostgreSQL, tells what happens as JSON lines, and stops it
 * when its standard input ends. It ignores Ctrl-C, as a Sluice that drains does.
 */
import { startEmbeddedPostgres } from '../../src/platform/embedded-postgres.ts'

const [home = '', searchPath] = process.argv.slice(2)
const tell = (fact: object) => process.stdout.write(`${JSON.stringify(fact)}\n`)
const logged = (fields: object, message?: string) => tell({ log: message, ...fields })

process.on('SIGINT', () => tell({ signal: 'SIGINT' }))

try {
  const embedded = await startEmbeddedPostgres({
    home,
    log: { info: logged, warn: logged, error: logged } as never,
    ...(searchPath ? { searchPath } : {}),
    onLost: (loss) => tell({ loss }),
    onRegained: () => tell({ regained: true }),
  })
  tell({ url: embedded.url })
  process.stdin.resume().on('end', async () => {
    await embedded.close()
    tell({ closed: true })
  })
} catch (error) {
  tell({ refused: (error as Error).message, name: (error as Error).name })
  process.exitCode = 1
}
