import { userInfo } from 'node:os'
import type { Author } from '../admin/admin.ts'

/** In the audit log, for what is done on the command line: the command, and who ran it on this machine. */
export function commandAuthor(command: string): Author {
  return { keyId: null, name: `sluice ${command} (${userName()})`, sourceIp: null }
}

/** A container may run under a number that nobody has. */
function userName(): string {
  try {
    return userInfo().username
  } catch {
    return `user ${process.getuid?.() ?? ''}`.trim()
  }
}
