import type { Application, Integrations } from '../../integrations/integrations.ts'
import type { Rewriter } from '../../rewrite/rewrite.ts'

export interface ResourceOptions {
  integrations: Integrations
  rewriter: Pick<Rewriter, 'check' | 'checkMapping'>
  /** The address of an application's webhooks, without a last slash. */
  webhookBaseOf(application: Application): string
  now(): Date
}
