import type { Integrations } from '../../integrations/integrations.ts'
import { throwFaults } from '../problem.ts'

/** Those of one application, or all. */
export function ofApplication<T extends { applicationId: string | null }>(
  things: T[],
  applicationId: string | undefined,
): T[] {
  return applicationId === undefined
    ? things
    : things.filter((thing) => thing.applicationId === applicationId)
}

export function requireApplication(applicationId: string, integrations: Integrations): void {
  if (!integrations.application(applicationId)) {
    throwFaults([{ path: 'applicationId', message: 'there is no such application' }])
  }
}
