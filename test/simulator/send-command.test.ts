/** `sluice send` as its users have it, against a receiver that stands where the gateway would. */
import { execFile } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { IMITATIONS } from '../../src/simulator/simulator.ts'
import { endAll, LAUNCHER, runSluice, startSluice } from '../cli/sluice.ts'
import { type Received, type Receiver, startReceiver } from '../world/receiver.ts'

const SECRET = 'shpss_of_the_app'
const ACCEPTED = '{"result":true,"error":""}'

let receiver: Receiver
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(inject('scratch'), 'send-'))
})
beforeEach(async () => {
  receiver = await startReceiver()
  receiver.answerWith({ status: 200, headers: { 'content-type': 'application/json' }, body: ACCEPTED })
})
afterEach(() => receiver.close())
afterAll(endAll)

/** Runs `sluice send <source> --to <the receiver>` with a secret in the environment. */
function send(source: string, ...args: string[]) {
  return runSluice(['send', source, '--to', `${receiver.url}/integration/abc`, ...args], {
    env: { SLUICE_SEND_SECRET: SECRET },
  })
}

describe('a request is sent', () => {
  test('with the headers, the body and the signature of its source, and the answer is shown', async () => {
    const { code, stdout, stderr } = await send('shopify', '--topic', 'orders/paid')
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^#1 {2}200 {2}[0-9.]+ ms {2}\{"result":true,"error":""\}\n$/)
    const [request] = receiver.requests as [Received]
    expect(request).toMatchObject({ method: 'POST', url: '/integration/abc' })
    expect(request.headers['x-shopify-topic']).toBe('orders/paid')
    expect(request.headers['x-shopify-hmac-sha256']).toBe(
      createHmac('sha256', SECRET).update(request.body).digest('base64'),
    )
    expect(request.rawHeaders).toContain('X-Shopify-Hmac-Sha256')
    expect(Math.abs(Date.parse(JSON.parse(request.body.toString()).created_at) - Date.now())).toBeLessThan(
      60_000,
    )
  })

  test('with the bytes of a file, which need be no text, and the content type of its name', async () => {
    const file = path.join(folder, 'order.xml')
    const bytes = Buffer.from('<order>\xe9</order>\n', 'latin1')
    await writeFile(file, bytes)
    await send('generic', '--scheme', 'bearer', '--file', file, '--with-header', 'X-Shop: eu')
    const [request] = receiver.requests as [Received]
    expect(request.body).toEqual(bytes)
    expect(request.headers).toMatchObject({
      'content-type': 'application/xml',
      authorization: `Bearer ${SECRET}`,
      'x-shop': 'eu',
    })
  })

  test('with a body from standard input', async () => {
    const command = `printf '{"a": 1}' | '${process.execPath}' '${LAUNCHER}' send mollie-nextgen --file - --to '${receiver.url}/x'`
    const { code } = await startSluice(folder, {
      command: ['sh', '-c', command],
      env: { SLUICE_SEND_SECRET: SECRET },
    }).ended()
    expect(code).toBe(0)
    expect(receiver.requests[0]?.body.toString()).toBe('{"a": 1}')
  })

  test('many times: each a new event, and the answers counted', async () => {
    const { code, stdout } = await send('shopify', '--times', '25', '--concurrency', '5')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^25 sent in [0-9.]+ s \([0-9]+\/s\): 25 x 200; p50 [0-9.]+ ms, p99 [0-9.]+ ms\n$/)
    expect(new Set(receiver.requests.map(({ headers }) => headers['x-shopify-webhook-id'])).size).toBe(25)
    expect(
      new Set(receiver.requests.map(({ body }) => JSON.parse(body.toString()).name)).size,
    ).toBeGreaterThan(20)
    expect(receiver.connections()).toBeLessThanOrEqual(5)
  })

  test('many times the same, as duplicates', async () => {
    await send('stripe', '--times', '3', '--same')
    const told = receiver.requests.map(({ headers, body }) => [headers['stripe-signature'], body.toString()])
    expect(told).toEqual([told[0], told[0], told[0]])
  })

  test('many times until Ctrl-C, and what was sent is told', async () => {
    const sluice = startSluice(folder, {
      command: [
        process.execPath,
        LAUNCHER,
        'send',
        'tilby',
        '--to',
        `${receiver.url}/x`,
        '--times',
        '1000000',
      ],
    })
    await receiver.received(5)
    sluice.signal('SIGINT')
    expect(await sluice.ended()).toEqual({ code: 0, signal: null })
    expect(sluice.stdout()).toMatch(/^[0-9]+ of 1000000 sent in .*: [0-9]+ x 200/)
  })

  test('as a handshake', async () => {
    const ping = await send('woocommerce', '--handshake')
    expect(ping.code).toBe(0)
    expect(receiver.requests[0]?.body.toString()).toBe('webhook_id=142')
    receiver.answerWith(({ url }) => ({ status: 200, body: new URL(url, receiver.url).search }))
    const challenge = await send('adobe-io-events', '--handshake')
    expect(challenge.code).toBe(0)
    expect(receiver.requests[1]).toMatchObject({ method: 'GET' })
  })
})

describe('an answer', () => {
  test('that the source does not take for success ends with 1 and says what it wants', async () => {
    const { code, stdout } = await send('xero')
    expect(code).toBe(1)
    expect(stdout).toContain('<- Xero wants 200 with an empty body and no cookies')
  })

  test('that refuses ends with 1; beside many that accept, only those are shown', async () => {
    receiver.answerWith(() => (receiver.requests.length % 10 === 0 ? 429 : 200))
    const { code, stdout } = await send('shopify', '--times', '30')
    expect(code).toBe(1)
    const lines = stdout.trim().split('\n')
    expect(lines.map((line) => line.split(/ {2}/)[0])).toEqual(['#10', '#20', '#30', lines[3]])
    expect(lines[3]).toContain('27 x 200, 3 x 429')
  })

  test('to what is wrong on purpose may be a refusal or an acceptance, but no outage', async () => {
    receiver.answerWith(401)
    expect(await send('shopify', '--wrong', 'secret')).toMatchObject({ code: 0, stderr: '' })
    receiver.answerWith(200)
    const quarantined = await send('shopify', '--wrong', 'body')
    expect(quarantined).toMatchObject({ code: 0 })
    expect(quarantined.stderr).toContain('accepted although it is wrong')
    receiver.answerWith(503)
    expect(await send('shopify', '--wrong', 'missing')).toMatchObject({ code: 1 })
  })

  test('that never comes, or cannot come, ends with 1', async () => {
    receiver.answerWith({ mode: 'hang' })
    const late = await send('shopify', '--timeout-ms', '200')
    expect(late).toMatchObject({ code: 1, stdout: '#1  no answer within 200 ms  <- no answer\n' })
    receiver.answerWith({ mode: 'reset' })
    expect(await send('shopify')).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('the connection to'),
    })
    const nobody = await runSluice(['send', 'tilby', '--to', 'http://127.0.0.1:1/integration/abc'])
    expect(nobody).toMatchObject({ code: 1, stdout: '#1  nobody listens at 127.0.0.1:1  <- no answer\n' })
  })

  test('is shown on one line, without what a terminal would obey', async () => {
    receiver.answerWith({ status: 200, body: `two\nlines \x1b[31m${'x'.repeat(1_000)}` })
    const { stdout } = await send('shopify')
    expect(stdout).toMatch(/two lines \uFFFD\[31mx+…\n$/)
    expect(stdout.length).toBeLessThan(400)
  })
})

describe('--print', () => {
  test('sends nothing, and prints a command that sends the very same', async () => {
    const file = path.join(folder, 'quotes.json')
    await writeFile(file, `{"it's": "a 'quote' $HOME \\\\ é"}\n`)
    const { code, stdout } = await send('square', '--file', file, '--print')
    expect(code).toBe(0)
    expect(receiver.requests).toEqual([])
    expect(await paste(stdout)).toContain(ACCEPTED)
    const [request] = receiver.requests as [Received]
    expect(request.body.toString()).toBe(`{"it's": "a 'quote' $HOME \\\\ é"}\n`)
    expect(request.headers['x-square-hmacsha256-signature']).toBe(
      createHmac('sha256', SECRET)
        .update(`${receiver.url}/integration/abc`)
        .update(request.body)
        .digest('base64'),
    )
  })

  test('can print what no argument can hold', async () => {
    const bytes = Buffer.from([0x40, 0x00, 0xe9, 0x0a])
    await writeFile(path.join(folder, 'bytes'), bytes)
    const { stdout } = await send('retino', '--file', path.join(folder, 'bytes'), '--print')
    await paste(stdout)
    expect(receiver.requests[0]?.body).toEqual(bytes)
  })
})

describe('the address', () => {
  const API_KEY = 'sk_of_the_gateway_that_runs_here_0001'

  test('is found by the id of an integration, at the gateway that is named', async () => {
    const { code } = await runSluice(['send', 'tilby', '--to', '65f0c0ffee', '--gateway', `${receiver.url}/`])
    expect(code).toBe(0)
    expect(receiver.requests.map(({ url }) => url)).toEqual(['/integration/65f0c0ffee'])
  })

  test('is found at the Sluice that runs here, with the demo when nothing is said', async () => {
    const home = await homeOf(receiver.url)
    expect((await runSluice(['send', 'tilby'], { home })).code).toBe(0)
    expect((await runSluice(['send', 'tilby', '--to', 'another/xml'], { home })).code).toBe(0)
    const urls = receiver.requests.map(({ url }) => url).filter((url) => url.startsWith('/integration/'))
    expect(urls).toEqual(['/integration/demo', '/integration/another/xml'])
  })

  test('is asked for when nobody knows it', async () => {
    const { code, stderr } = await runSluice(['send', 'tilby', '--to', 'abc'], { home: folder })
    expect(code).toBe(1)
    expect(stderr).toBe(
      `sluice: no Sluice runs on ${folder}, so nobody knows where the integration abc is: give --gateway http://…, or its whole address with --to\n`,
    )
    for (const args of [[], ['--gateway', receiver.url]]) {
      const unsaid = await runSluice(['send', 'tilby', ...args], { home: folder })
      expect(unsaid.stderr).toContain('--to is missing: the id of an integration, or its whole address')
    }
    expect((await runSluice(['send', 'tilby', '--to', 'a', '--gateway', 'x'])).stderr).toContain(
      '--gateway is no address: x',
    )
  })

  test('of an integration that expects something else brings a warning, and is used', async () => {
    const definition = { source: 'woocommerce', publicUrl: 'https://hooks.example.com/integration/demo' }
    answerAsApi({ status: 200, body: { name: 'Orders', enabled: false, definition } })
    const { code, stderr } = await runSluice(['send', 'square'], {
      home: await homeOf(receiver.url),
      env: { SLUICE_SEND_SECRET: SECRET },
    })
    expect(code).toBe(0)
    expect(stderr.trim().split('\n')).toEqual([
      'warning: the integration "Orders" is for woocommerce, and this is a request of square',
      'warning: the integration "Orders" is not enabled',
      `warning: the address is signed, and the integration's is ${definition.publicUrl}: --signed-url ${definition.publicUrl} signs that`,
    ])
    expect(receiver.requests[0]).toMatchObject({ url: '/api/v1/integrations/demo' })
    expect(receiver.requests[0]?.headers.authorization).toBe(`Bearer ${API_KEY}`)
  })

  test('of an integration that fits brings none; of one that is not there, it does', async () => {
    const home = await homeOf(receiver.url)
    answerAsApi({ status: 200, body: { name: 'Tilby', enabled: true, definition: { source: 'tilby' } } })
    expect(await runSluice(['send', 'tilby'], { home })).toMatchObject({ code: 0, stderr: '' })
    answerAsApi({ status: 404, body: { status: 404 } })
    expect((await runSluice(['send', 'tilby'], { home })).stderr).toBe(
      'warning: the gateway has no integration demo\n',
    )
    answerAsApi({ status: 401, body: { status: 401 } })
    expect((await runSluice(['send', 'tilby'], { home })).stderr).toContain('the admin key is not accepted')
  })

  test('of another gateway is not told the key of the one here', async () => {
    const home = await homeOf('http://127.0.0.1:1')
    await runSluice(['send', 'tilby', '--to', 'abc', '--gateway', receiver.url], { home })
    await runSluice(['send', 'tilby', '--to', `${receiver.url}/integration/abc`], { home })
    expect(receiver.requests.map(({ url }) => url)).toEqual(['/integration/abc', '/integration/abc'])
    for (const { rawHeaders } of receiver.requests) expect(rawHeaders.join()).not.toContain(API_KEY)
  })

  /** A home folder in which a Sluice runs, as far as it tells. */
  async function homeOf(url: string): Promise<string> {
    const home = await mkdtemp(path.join(folder, 'home '))
    await mkdir(home, { recursive: true })
    const facts = { url, adminKey: API_KEY, integrationId: 'demo' }
    await writeFile(path.join(home, 'dev.json'), JSON.stringify(facts))
    return home
  }

  function answerAsApi({ status, body }: { status: number; body: object }): void {
    const headers = { 'content-type': status === 200 ? 'application/json' : 'application/problem+json' }
    receiver.answerWith(({ url }) =>
      url.startsWith('/api/') ? { status, headers, body: JSON.stringify(body) } : 200,
    )
  }
})

describe('what cannot be sent is refused with a sentence, and nothing is sent', () => {
  test('a source that does not exist', async () => {
    const { code, stderr } = await send('shopfy')
    expect(code).toBe(1)
    expect(stderr).toContain('sluice: there is no source "shopfy"; there are: shopify, woocommerce')
  })

  test('a missing secret, with what to do', async () => {
    const { code, stderr } = await runSluice(['send', 'shopify', '--to', `${receiver.url}/x`])
    expect(code).toBe(1)
    expect(stderr).toContain('Shopify needs the client secret of the app')
    expect(stderr).toContain('Set SLUICE_SEND_SECRET, or give --secret')
    const paypal = await send('paypal', '--webhook-id', 'x')
    expect(paypal.stderr).toContain('openssl genpkey -algorithm RSA')
    expect((await send('shopctrl', '--scheme', 'basic')).stderr).toContain('Give it with --user')
  })

  test('what makes no sense', async () => {
    expect((await send('shopify', '--wrong', 'old')).stderr).toContain(
      'there are: secret, body, missing, encoding',
    )
    expect((await send('shopify', '--times', '0')).stderr).toContain('A whole number from 1 to 1000000')
    expect((await send('shopify', '--file', '/does/not/exist')).stderr).toContain('does not exist')
    expect((await send('shopify', '--with-header', 'no colon')).stderr).toContain('wants "Name: value"')
    expect((await send('tilby', '--secret', 'x')).stderr).toContain("unknown option '--secret'")
  })

  afterEach(() => expect(receiver.requests).toEqual([]))
})

describe('--help', () => {
  test('lists the sources', async () => {
    const { code, stdout } = await runSluice(['send', '--help'])
    expect(code).toBe(0)
    for (const [name, { title }] of IMITATIONS) {
      expect(stdout).toContain(`  ${name} `)
      expect(stdout).toContain(title)
    }
    expect((await runSluice(['send'])).stdout).toBe(stdout)
  })

  test('of a source shows what it needs, its own options, its handshakes and its ways to be wrong', async () => {
    const { stdout } = await runSluice(['send', 'woocommerce', '--help'])
    for (const part of [
      '--webhook-id',
      'SLUICE_SEND_SECRET',
      'ping',
      '(default: order.created)',
      'encoding  ',
    ])
      expect(stdout).toContain(part)
    expect(stdout).not.toContain('--key')
  })
})

test('what a gateway fetches from the vendor is said: it refuses a key of our own', async () => {
  const key = path.join(folder, 'key.pem')
  await promisify(execFile)(process.execPath, [
    '-e',
    `require('fs').writeFileSync(${JSON.stringify(key)}, require('crypto').generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }))`,
  ])
  const { code, stderr } = await send('adobe-io-events', '--client-id', 'client', '--key', key)
  expect(code).toBe(0)
  expect(stderr).toContain(
    'refuses what is signed here with a key of your own, unless it runs with test keys',
  )
})

/** Runs a printed command as a person would. */
async function paste(command: string): Promise<string> {
  const { stdout } = await promisify(execFile)('sh', ['-c', command])
  return stdout
}
