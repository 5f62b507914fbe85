import { expect, test } from 'vitest'
import { type WelcomeFacts, welcome } from '../../src/cli/banner.ts'

function factsAt(url: string): WelcomeFacts {
  return {
    url,
    adminUrl: url,
    adminKey: 'key',
    webhookUrl: `${url}/integration/1`,
    receivedUrl: 'http://127.0.0.1:9/received',
    loopbackAllowed: true,
    certificateUnsure: false,
    home: '/home/sluice',
  }
}

test('the welcome shows commands for HTTPS, that do not fail for a name which the certificate need not know', () => {
  const unsure = welcome({ ...factsAt('https://127.0.0.1:8443'), certificateUnsure: true })
  expect(unsure).toContain('Sluice is running at https://127.0.0.1:8443\n')
  expect(unsure).toContain('\ncurl --insecure -X POST https://127.0.0.1:8443/integration/1 ')
  expect(unsure).toMatch(/\ncurl --insecure -H '[^']*' https:\/\/127\.0\.0\.1:8443\/api\/v1\/events\n/)
  expect(unsure).toContain('\ncurl http://127.0.0.1:9/received\n')
  expect(welcome(factsAt('https://hooks.example.com'))).not.toContain('--insecure')
})
