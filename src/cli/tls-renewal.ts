import { readFile } from 'node:fs/promises'
import type { Log } from '../platform/log.ts'
import { readTls, type TlsFiles, type TlsSettings } from './tls-files.ts'

/** Certificate and key as they are in use, and word of newer ones. */
export interface Tls {
  current(): TlsFiles
  onRenewed(take: (files: TlsFiles) => void): void
  close(): void
}

export interface TlsRenewalOptions {
  settings: TlsSettings
  /** As they were read at start. */
  files: TlsFiles
  everySeconds: number
  log: Log
}

/**
 * Takes renewed files up without a restart. They are read again every so often, because that works for everybody who
 * renews: watching misses files that are swapped behind a symbolic link or mounted from elsewhere (certbot,
 * Kubernetes, containers), and a signal needs somebody who sends it to every process. Files that do not fit together
 * are not taken, such as a certificate whose key is not there yet: those in use stay until all is well.
 */
export function renewTls({ settings, files, everySeconds, log }: TlsRenewalOptions): Tls {
  let inUse = files
  let told = ''
  let closed = false
  const takers: ((files: TlsFiles) => void)[] = []
  let timer = setTimeout(renew, everySeconds * 1_000).unref()

  async function renew(): Promise<void> {
    try {
      const texts = await readTexts([settings.TLS_CERT, settings.TLS_KEY, settings.TLS_CLIENT_CA])
      if (closed) return
      const reading = readTls(settings, (path) => textOf(texts, path), new Date())
      tell('problems' in reading ? reading.problems : reading.warnings)
      if ('files' in reading && reading.files && !isSame(reading.files, inUse)) take(reading.files)
    } catch (error) {
      log.error({ err: error }, 'renewed TLS files could not be taken up')
    }
    if (!closed) timer = setTimeout(renew, everySeconds * 1_000).unref()
  }

  function take(renewed: TlsFiles): void {
    inUse = renewed
    for (const taker of takers) taker(renewed)
    log.info({ file: settings.TLS_CERT }, 'renewed TLS files are in use')
  }

  /** Once, not at each reading. */
  function tell(sentences: string[]): void {
    const text = sentences.join('; ')
    if (text !== told && text !== '') log.warn(text)
    told = text
  }

  return {
    current: () => inUse,
    onRenewed: (taker) => void takers.push(taker),
    close() {
      closed = true
      clearTimeout(timer)
    },
  }
}

/** Not blocking: a file may lie on a disk that hangs, and webhooks are to be answered meanwhile. */
async function readTexts(paths: string[]): Promise<Map<string, string | Error>> {
  const texts = paths.map(async (path): Promise<[string, string | Error]> => {
    try {
      return [path, path === '' ? '' : await readFile(path, 'utf8')]
    } catch (error) {
      return [path, error as Error]
    }
  })
  return new Map(await Promise.all(texts))
}

function textOf(texts: Map<string, string | Error>, path: string): string {
  const text = texts.get(path)
  if (typeof text === 'string') return text
  throw text ?? new Error('it was not read')
}

function isSame(one: TlsFiles, other: TlsFiles): boolean {
  return one.cert === other.cert && one.key === other.key && one.clientCa === other.clientCa
}
