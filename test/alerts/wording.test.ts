import { expect, test } from 'vitest'
import { placesOf, testNotice } from '../../src/alerts/wording.ts'

const FORGED = 'ERP\r\nIncident: over\n\nRead more at'

test('whatever things are called, what a message says of them is on one line each', () => {
  const named = () => ({ name: FORGED }) as never
  const names = { application: named, integration: named, destination: named }
  const ids = { applicationId: 'a', integrationId: 'i', destinationId: 'd' }
  expect(placesOf(ids, names)).toEqual([
    'Application: ERP Incident: over Read more at (a)',
    'Integration: ERP Incident: over Read more at (i)',
    'Destination: ERP Incident: over Read more at (d)',
  ])
  expect(testNotice('1', FORGED, new Date(0)).text.trimEnd()).not.toContain('\n')
})
