import type { MiddlewareHandler } from 'hono'
import { every } from 'hono/combine'
import { secureHeaders } from 'hono/secure-headers'

const YEAR_SECONDS = 365 * 86_400

/**
 * Headers of every answer here: nothing of it is kept, framed, sniffed or run, and no other origin reads it (there are
 * no CORS headers). What a page needs beyond that it sets itself, and that stays.
 *
 * @param isHttps whether browsers come over HTTPS, and shall never come otherwise
 */
export function secureAnswers(isHttps: boolean): MiddlewareHandler {
  return every(
    secureHeaders({
      overwrite: false,
      contentSecurityPolicy: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
      xFrameOptions: 'DENY',
      strictTransportSecurity: isHttps ? `max-age=${YEAR_SECONDS}` : false,
    }),
    async (context, next) => {
      await next()
      if (!context.res.headers.has('cache-control')) context.res.headers.set('cache-control', 'no-store')
    },
  )
}
