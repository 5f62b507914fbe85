/** An accountant that cannot find a fault proves nothing: each fault is made by hand here. */
import { describe, expect, test } from 'vitest'
import { accountFor, lastLine } from '../../chaos/accounts/accounts.ts'
import type { Kept, KeptDelivery, KeptEvent } from '../../chaos/accounts/kept.ts'
import type { Arrived, Records, RoundPhase, Sent } from '../../chaos/record.ts'
import { type Fate, requestOf, type Stream } from '../../chaos/requests.ts'

const SEED = 3
const PHASE: RoundPhase = { index: 0, integrations: {}, isClockTurned: false }

/** The first numbers whose requests are of this kind. */
function numbersOf(stream: Stream, fate: Fate, count: number): number[] {
  const found: number[] = []
  for (let number = 1; found.length < count; number++) {
    const request = requestOf(SEED, number)
    if (request.stream === stream && request.fate === fate) found.push(number)
  }
  return found
}

const [plain = 0, other = 0] = numbersOf('plain', 'delivered', 2)
const [filtered = 0] = numbersOf('plain', 'filtered', 1)
const [dead = 0] = numbersOf('plain', 'dead', 1)
const [xml = 0] = numbersOf('xml', 'delivered', 1)
const [first = 0, second = 0] = twoOfOneKey()
const ordered = inOrder()

function twoOfOneKey(): number[] {
  const keyed = numbersOf('keyed', 'first', 20)
  const byKey = Map.groupBy(keyed, (number) => requestOf(SEED, number).dedupeKey)
  return [...byKey.values()].find(({ length }) => length > 1) ?? []
}

function inOrder(): number[] {
  const byKey = Map.groupBy(numbersOf('ordered', 'first', 20), (number) => requestOf(SEED, number).orderKey)
  return [...byKey.values()].find(({ length }) => length > 1)?.slice(0, 2) ?? []
}

interface Scene extends Records {
  kept: Kept
}

/** A phase in which everything went well. */
function scene(): Scene {
  const numbers = [plain, other, filtered, dead, xml, first, second, ...ordered].toSorted((a, b) => a - b)
  const events = numbers.map(
    (number, index): KeptEvent => ({
      id: `event-${String(index).padStart(3, '0')}`,
      number,
      integrationId: '',
      state: { delivered: 'delivered', first: 'delivered', filtered: 'filtered', dead: 'dead' }[
        requestOf(SEED, number).fate
      ],
      reason: null,
      duplicateOf: null,
      latestRunId: null,
      isIntact: true,
    }),
  )
  const repeated = events.find(({ number }) => number === second)
  if (repeated) {
    repeated.state = 'duplicate'
    repeated.duplicateOf = events.find(({ number }) => number === first)?.id ?? ''
  }
  const runs = events
    .filter(({ state }) => state !== 'duplicate')
    .map(({ id, state }) => ({ id: `run of ${id}`, eventId: id, state, reason: null }))
  const deliveries = events
    .filter(({ state }) => state === 'delivered' || state === 'dead')
    .map(({ id, state }): KeptDelivery => deliveryOf(id, state))
  const arrived = events
    .filter(({ state }) => state === 'delivered')
    .map(({ id, number }): Arrived => arrivalOf(number, deliveryOf(id, '').id))
  return {
    round: { seed: SEED, phases: [PHASE] },
    sent: numbers.map((number): Sent => acked(number)),
    arrived,
    kept: { events, runs, deliveries },
  }
}

function deliveryOf(eventId: string, state: string): KeptDelivery {
  return { id: `delivery of ${eventId}`, eventId, runId: `run of ${eventId}`, state, reason: null }
}

function arrivalOf(number: number, deliveryId: string): Arrived {
  const { stream, arriving } = requestOf(SEED, number)
  return { at: 0, deliveryId, attempt: 1, number, stream, body: arriving, status: 200 }
}

function acked(number: number): Sent {
  return { number, edge: 0, sentAt: 0, tookMs: 7, end: 'acked', answer: 200 }
}

function account(change: (scene: Scene) => void, phase = PHASE) {
  const changed = scene()
  change(changed)
  const accounts = accountFor(phase, changed, changed.kept)
  const { acked, lost, wrong, duplicated } = accounts
  return {
    acked,
    lost,
    wrong,
    duplicated,
    said: accounts.findings.map(({ sentence }) => sentence).join('\n'),
  }
}

function eventOf({ kept }: Scene, number: number): KeptEvent {
  const event = kept.events.find((one) => one.number === number)
  if (!event) throw new Error(`no event ${number}`)
  return event
}

function without<T extends { number: number }>(from: T[], number: number): void {
  from.splice(
    from.findIndex((one) => one.number === number),
    1,
  )
}

test('where all went well nothing is found', () => {
  expect(account(() => {})).toEqual({ acked: 9, lost: 0, wrong: 0, duplicated: 0, said: '' })
})

describe('lost is', () => {
  test('an acknowledged number that is not in the ledger', () => {
    const { lost, said } = account(({ kept }) => without(kept.events, filtered))
    expect(lost).toBe(1)
    expect(said).toContain(`LOST ${filtered}: acknowledged, and not in the ledger`)
  })

  test('an acknowledgement of which nobody else knows', () => {
    const [never = 0] = numbersOf('plain', 'delivered', 9).slice(-1)
    expect(account(({ sent }) => sent.push(acked(never)))).toMatchObject({ acked: 10, lost: 1 })
  })

  test('what the ledger has and the receiver never took, also where the ledger calls it delivered', () => {
    const { lost, wrong, said } = account(({ arrived }) => without(arrived, plain))
    expect({ lost, wrong }).toEqual({ lost: 1, wrong: 1 })
    expect(said).toContain(`LOST ${plain}: in the ledger, and never arrived`)
    expect(said).toContain('is delivered, and never arrived')
  })

  test('what the receiver refused each time', () => {
    const refused = ({ arrived }: Scene) => {
      for (const arrival of arrived) if (arrival.number === plain) arrival.status = 503
    }
    expect(account(refused).lost).toBe(1)
  })

  test('every number under a dedupe key of which none arrived', () => {
    expect(account(({ arrived }) => without(arrived, first))).toMatchObject({ lost: 2 })
  })

  test('not what was never acknowledged', () => {
    const unheard = (scene: Scene) => {
      for (const sent of scene.sent) if (sent.number === plain) sent.end = 'unknown'
      without(scene.kept.events, plain)
      without(scene.arrived, plain)
      scene.kept.runs = scene.kept.runs.filter(({ eventId }) => eventId !== 'event-000')
    }
    expect(account(unheard).lost).toBe(0)
  })
})

describe('wrong is', () => {
  const cases: [string, (scene: Scene) => void, string][] = [
    [
      'work that has not ended',
      (s) => Object.assign(eventOf(s, plain), { state: 'delivering' }),
      'has not ended: delivering',
    ],
    ['a state of no list', (s) => Object.assign(eventOf(s, plain), { state: 'gone' }), 'has not ended: gone'],
    [
      'another end than the expected',
      (s) => Object.assign(eventOf(s, plain), { state: 'dead' }),
      'had to be delivered',
    ],
    [
      'a run that says something else than its event',
      ({ kept: { runs } }) => Object.assign(runs[0] ?? {}, { state: 'delivering' }),
      'its run delivering',
    ],
    [
      'a delivery that is left over',
      ({ kept }) => void kept.deliveries.push(deliveryOf(eventOf(scene(), filtered).id, 'waiting')),
      'deliveries waiting',
    ],
    [
      'other bytes in the ledger',
      (s) => Object.assign(eventOf(s, xml), { isIntact: false }),
      'the bytes that were sent',
    ],
    [
      'a body that changed on its way',
      ({ arrived }) => {
        for (const one of arrived) if (one.number === plain) one.body = one.body.replace(/"id":\d+/, '"id":9')
      },
      'with another body',
    ],
    [
      'two events for what was sent once',
      (s) => void s.kept.events.push({ ...eventOf(s, plain), id: 'event-999' }),
      'sent 1 times, and 2 events in the ledger',
    ],
    [
      'two first ones of one dedupe key',
      (s) => Object.assign(eventOf(s, second), { state: 'delivered', duplicateOf: null }),
      'and is no duplicate',
    ],
    [
      'a duplicate of something else',
      (s) => Object.assign(eventOf(s, second), { duplicateOf: eventOf(s, plain).id }),
      'which has another dedupe key',
    ],
    [
      'one event under two ids',
      (s) => {
        s.kept.deliveries.push({ ...deliveryOf(eventOf(s, plain).id, 'delivered'), id: 'another' })
        s.arrived.push(arrivalOf(plain, 'another'))
      },
      'arrived under 2 ids',
    ],
    [
      'an arrival of which the ledger knows nothing',
      ({ arrived }) => void arrived.push(arrivalOf(other, 'unheard of')),
      'which the ledger does not know',
    ],
    [
      'an arrival of what was to be filtered',
      ({ arrived, kept }) => {
        kept.deliveries.push(deliveryOf(eventOf(scene(), filtered).id, 'delivered'))
        arrived.push(arrivalOf(filtered, deliveryOf(eventOf(scene(), filtered).id, '').id))
      },
      'had to be filtered',
    ],
    [
      'an arrival before one that was sent earlier',
      ({ arrived }) => swapOrdered(arrived),
      'was sent after it',
    ],
  ]

  test.each(cases)('%s', (_name, change, sentence) => {
    const { wrong, said } = account(change)
    expect(said).toContain(sentence)
    expect(wrong).toBeGreaterThan(0)
  })
})

function swapOrdered(arrived: Arrived[]): void {
  const places = ordered.map((number) => arrived.findIndex((one) => one.number === number))
  const [one = 0, two = 0] = places
  const [earlier, later] = [arrived[one], arrived[two]]
  if (earlier && later) [arrived[one], arrived[two]] = [later, earlier]
}

describe('no fault is', () => {
  test('a delivery that arrives again under its id: it is counted', () => {
    const again = ({ arrived }: Scene) => void (arrived[0] && arrived.push({ ...arrived[0], attempt: 2 }))
    expect(account(again)).toMatchObject({ lost: 0, wrong: 0, duplicated: 1 })
  })

  test('a second event of what was sent again because nobody had said that it was kept', () => {
    const again = (s: Scene) => {
      s.sent.unshift({ ...acked(plain), end: 'refused', answer: 503 })
      s.kept.events.push({ ...eventOf(s, plain), id: 'event-999' })
      s.kept.runs.push({ id: 'another run', eventId: 'event-999', state: 'delivered', reason: null })
      s.kept.deliveries.push(deliveryOf('event-999', 'delivered'))
      s.arrived.push(arrivalOf(plain, deliveryOf('event-999', '').id))
    }
    expect(account(again)).toMatchObject({ lost: 0, wrong: 0, duplicated: 0 })
  })

  test('an order that a turned clock has made, where both were received in that order', () => {
    const turned = { ...PHASE, isClockTurned: true }
    const byClock = (s: Scene) => {
      swapOrdered(s.arrived)
      const [one = 0, two = 0] = ordered
      const [earlier, later] = [eventOf(s, one), eventOf(s, two)]
      ;[earlier.number, later.number] = [two, one]
      s.arrived.forEach((arrival) => {
        if (arrival.number === one) arrival.deliveryId = deliveryOf(later.id, '').id
        if (arrival.number === two) arrival.deliveryId = deliveryOf(earlier.id, '').id
      })
    }
    expect(account(byClock, turned)).toMatchObject({ lost: 0, wrong: 0 })
    expect(account(byClock)).toMatchObject({ lost: 0, wrong: 1 })
    expect(account(({ arrived }) => swapOrdered(arrived), turned)).toMatchObject({ wrong: 1 })
  })
})

test('the last line has the three figures', () => {
  const figures = {
    acked: 12,
    lost: 1,
    duplicated: 3,
    wrong: 0,
    refused: 0,
    untaken: 0,
    unknown: 0,
    keptUnsaid: 0,
  }
  expect(lastLine({ ...figures, slowestAckMs: null })).toBe('acked 12, lost 1, duplicated 3')
})
