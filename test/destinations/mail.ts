import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { inject } from 'vitest'
import { findFreePort } from '../../src/platform/embedded-postgres/free-port.ts'
import { readMail } from '../alerts/mail-server.ts'
import { type ChildServer, launchChildServer } from '../world/child-server.ts'
import { makeServerCertificate, serverAuthority } from '../world/https.ts'

export interface MailProgram extends Pick<ChildServer, 'kill9' | 'restart'> {
  port: number
  /** The authority of its certificate, in PEM. */
  ca: string
  /** What it has kept, in no order. */
  mails(): Promise<{ headers: Record<string, string>; text: string }[]>
  close(): Promise<void>
}

/** A mail server by others than those who made the client: it asks for STARTTLS, and takes mails up to a size. */
export async function startMailProgram({ bytesMax }: { bytesMax: number }): Promise<MailProgram> {
  const folder = await mkdtemp(path.join(inject('scratch'), 'mail-'))
  const { cert, key } = makeServerCertificate()
  await writeFile(path.join(folder, 'cert.pem'), cert)
  await writeFile(path.join(folder, 'key.pem'), key)
  const port = await findFreePort()
  const kept = path.join(folder, 'kept')
  const { stop, ...server } = await launchChildServer({
    program: inject('smtpPath'),
    args: [
      '--nosetuid',
      ...['--listen', `127.0.0.1:${port}`],
      ...['--size', String(bytesMax)],
      ...['--tlscert', path.join(folder, 'cert.pem'), '--tlskey', path.join(folder, 'key.pem')],
      ...['--class', 'aiosmtpd.handlers.Mailbox', kept],
    ],
    cwd: folder,
    port,
    readyWaitMs: 30_000,
  })
  return {
    port,
    ca: serverAuthority.cert,
    ...server,
    close: stop,
    async mails() {
      const names = await readdir(path.join(kept, 'new')).catch(() => [])
      const texts = names.map((name) => readFile(path.join(kept, 'new', name), 'latin1'))
      return (await Promise.all(texts)).map((text) => readMail(text.replaceAll(/\r?\n/g, '\r\n')))
    },
  }
}
