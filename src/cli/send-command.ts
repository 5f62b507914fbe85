import { Command, Option } from 'commander'
import {
  flagOf,
  IMITATIONS,
  type Imitation,
  imitationOf,
  SimulationError,
  WRONG,
} from '../simulator/simulator.ts'
import { sendAs } from './send.ts'
import type { SendOptions } from './send-options.ts'
import { wholeNumber } from './whole-number.ts'

/** `sluice send`: each source is a command of its own, with the options that it has. Gives the exit code. */
export async function runSend(args: string[]): Promise<number> {
  let code = 0
  const send = new Command('sluice send')
    .description(
      'Send a request as a source system would: built from a sample or a file, signed as it signs, or wrong on ' +
        'purpose.\n\n  sluice send shopify --to <integration> --topic orders/create\n  sluice send <source> --help',
    )
    .usage('<source> [options]')
    .helpCommand(false)
  for (const imitation of IMITATIONS.values()) {
    send.addCommand(
      commandFor(imitation).action(async (options: SendOptions) => {
        code = await sendAs(imitation, options)
      }),
    )
  }
  try {
    const [source] = args
    if (source === undefined) send.outputHelp()
    else if (!source.startsWith('-')) imitationOf(source)
    if (source !== undefined) await send.parseAsync(args, { from: 'user' })
  } catch (error) {
    if (!(error instanceof SimulationError)) throw error
    console.error(`sluice: ${error.message}${hintFor(error)}`)
    return 1
  }
  return code
}

function commandFor(imitation: Imitation): Command {
  const { name, title, credentials, handshakes } = imitation
  const command = new Command(name).description(title)
  command
    .optionsGroup('Where to:')
    .option(
      '--to <integration>',
      'its id or its whole address; the demo of the Sluice that runs here unless given',
    )
    .option('--gateway <address>', 'where the id is known; the Sluice that runs here unless given')
    .option(
      '--admin-key <key>',
      'of its API, to see that the integration expects this source (SLUICE_ADMIN_KEY)',
    )
  if (imitation.signsUrl)
    command.option('--signed-url <address>', 'the address as the source knows it, where that is another one')
  command.optionsGroup('What:')
  if (imitation.topic !== undefined)
    command.option('--topic <topic>', `topic or event type (default: ${imitation.topic})`)
  command
    .option('--file <file>', 'the body, sent to the byte; - for standard input; a sample unless given')
    .option('--content-type <type>', 'of that body; unless given as the name of the file says')
    .option('--fresh', 'gives that body new ids and times, as the sample gets them')
    .option('--with-header <header>', 'one more header, as "Name: value"; may be repeated', collect)
  if (handshakes.length > 0) command.option('--handshake [kind]', handshakeMeaning(imitation))
  addOwnOptions(command, imitation)
  if (imitation.prove) {
    command.optionsGroup('Proof:')
    if (credentials.secret)
      command.option(
        '--secret <text>',
        `${credentials.secret}; rather in SLUICE_SEND_SECRET, which no history keeps`,
      )
    if (credentials.user) command.option('--user <name>', credentials.user)
    if (credentials.key) command.option('--key <file>', `${credentials.key}, in PEM`)
    command.option('--unsigned', 'without any, for an integration that asks for none')
  }
  if (imitation.wrong.length > 0) {
    command.option('--wrong <kind>', `wrong on purpose: ${imitation.wrong.join(', ')}`)
    command.addHelpText('after', `\nWays to be wrong:\n${wrongKinds(imitation)}`)
  }
  return command
    .optionsGroup('How often:')
    .option('--times <count>', 'requests, each a new event', wholeNumber(1, 1_000_000), 1)
    .option('--concurrency <count>', 'at once', wholeNumber(1, 1_000), 1)
    .option('--same', 'sends the first request again and again, as a duplicate')
    .option('--timeout-ms <ms>', 'to wait for an answer', wholeNumber(1, 600_000), imitation.timeoutMs)
    .option('--print', 'shows the request as a curl command instead of sending it')
    .optionsGroup('Options:')
    .helpOption('-h, --help', 'this text')
}

function addOwnOptions(command: Command, { title, options }: Imitation): void {
  if (Object.keys(options).length > 0) command.optionsGroup(`Of ${title}:`)
  for (const [name, { meaning, fallback, choices }] of Object.entries(options)) {
    const told = fallback ? `${meaning} (default: ${fallback})` : meaning
    const option = new Option(`${flagOf(name)} <text>`, told)
    command.addOption(choices ? option.choices(choices) : option)
  }
}

function handshakeMeaning({ handshakes }: Imitation): string {
  const kinds = handshakes.map(({ kind, meaning }) => `${kind} (${meaning})`).join(', or ')
  return `instead of an event: ${kinds}`
}

function wrongKinds({ wrong }: Imitation): string {
  return wrong.map((kind) => `  ${kind.padEnd(10)} ${WRONG[kind]}`).join('\n')
}

function hintFor({ missing }: SimulationError): string {
  switch (missing) {
    case 'secret':
      return (
        '. Set SLUICE_SEND_SECRET, or give --secret, which the history of the shell keeps; ' +
        'or --unsigned, where the integration asks for no proof'
      )
    case 'key':
      return (
        '. Give its file with --key; one to try with comes from: openssl genpkey -algorithm RSA -out key.pem. ' +
        'Or --unsigned, where the integration asks for no proof'
      )
    case 'user':
      return '. Give it with --user'
    default:
      return ''
  }
}

function collect(value: string, before: string[] = []): string[] {
  return [...before, value]
}
