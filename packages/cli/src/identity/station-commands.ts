import { resolve } from 'node:path'
import type { Command } from 'commander'
import { connectAdmin } from '../admin/admin-client.ts'
import { type ServerOptions, withServerOptions } from '../admin/server-options.ts'
import type { Context } from '../context.ts'
import { action, describe, type Frame } from '../frame.ts'
import { readInput } from '../input/read-input.ts'
import { type Column, table } from '../terminal/output.ts'
import { readFileOf } from './packet-inputs.ts'
import { readPublicKey } from './packet-keyhaven-keys.ts'
import { APPLICATION, identityPath } from './registration-api.ts'

const DER_SEQUENCE = 0x30

interface Centre {
  readonly id: string
  readonly name: string
  readonly createdAt: string
  readonly closedAt: string | null
}

interface Machine {
  readonly centre: string
  readonly id: string
  readonly keyIndex: string
  readonly createdAt: string
  readonly endedAt: string | null
}

interface Officer {
  readonly officer: string
  readonly since: string
  readonly until: string | null
}

const CENTRES: readonly Column<Centre>[] = [
  { heading: 'CENTRE', cell: ({ id }) => id },
  { heading: 'NAME', cell: ({ name }) => name },
  { heading: 'SINCE', cell: ({ createdAt }) => createdAt },
  { heading: 'CLOSED', cell: ({ closedAt }) => closedAt },
]
const MACHINES: readonly Column<Machine>[] = [
  { heading: 'CENTRE', cell: ({ centre }) => centre },
  { heading: 'MACHINE', cell: ({ id }) => id },
  { heading: 'SINCE', cell: ({ createdAt }) => createdAt },
  { heading: 'ENDED', cell: ({ endedAt }) => endedAt },
  { heading: 'KEY INDEX', cell: ({ keyIndex }) => keyIndex },
]
const OFFICERS: readonly Column<Officer>[] = [
  { heading: 'OFFICER', cell: ({ officer }) => officer },
  { heading: 'SINCE', cell: ({ since }) => since },
  { heading: 'UNTIL', cell: ({ until }) => until },
]

/** `keyhaven identity centres|machines|officers`: where, on what and by whom people are registered. */
export function identityStationCommands(frame: Frame, identity: Command): void {
  const centres = describe(identity.command('centres'), 'registration centres', [
    ['keyhaven identity centres add demo 10001 --name "Town hall"', 'Its id stands in every registration id'],
  ])
  listCommand(frame, centres, 'centres', CENTRES)
  addCentre(frame, centres)
  endCommand(frame, centres, 'close', 'take no more packets of a centre', ['centre'], ([centre]) => [
    'centres',
    centre!,
    'close',
  ])

  const machines = describe(identity.command('machines'), 'registration machines and their keys', [
    [
      'keyhaven identity machines add demo 10001 10077 --key .mosipkeys/reg.pub',
      'K10, as DER, PEM or Base64',
    ],
  ])
  listCommand(frame, machines, 'machines', MACHINES)
  addMachine(frame, machines)
  endCommand(
    frame,
    machines,
    'end',
    'take no more packets of a machine: lost, stolen or replaced',
    ['centre', 'machine'],
    ([centre, machine]) => ['machines', centre!, machine!, 'end'],
  )

  const officers = describe(identity.command('officers'), 'who may register people', [
    [
      'keyhaven identity officers add demo 110125',
      'The subject of the OIDC provider that operators sign in with',
    ],
  ])
  listCommand(frame, officers, 'officers', OFFICERS)
  addOfficer(frame, officers)
  endCommand(frame, officers, 'end', 'end it: packets made later are rejected', ['officer'], ([officer]) => [
    'officers',
    officer!,
    'end',
  ])
}

function listCommand<Row>(
  frame: Frame,
  parent: Command,
  what: string,
  columns: readonly Column<Row>[],
): void {
  const list = describe(parent.command('list'), `list the ${what}`, [
    [`keyhaven identity ${what} list demo`, 'Also those that have ended'],
  ]).argument(...APPLICATION)
  withServerOptions(list).action(
    action<ServerOptions>(frame, async ({ context, output, options, args }) => {
      using admin = await connectAdmin(context, options)
      const found = await admin.get<{ readonly items: readonly Row[] }>(identityPath(args[0]!, what))
      output.result(found, () => table(columns, found.items, `no ${what}`))
      return undefined
    }),
  )
}

function addCentre(frame: Frame, centres: Command): void {
  const add = describe(centres.command('add'), 'add a registration centre', [
    ['keyhaven identity centres add demo 10001 --name "Town hall"', 'Five digits in MOSIP'],
  ])
    .argument(...APPLICATION)
    .argument('<centre>', 'its id')
    .requiredOption('--name <text>', 'what operators call it')
  withServerOptions(add).action(
    action<ServerOptions & { name: string }>(frame, async ({ context, output, options, args }) => {
      using admin = await connectAdmin(context, options)
      const body = { id: args[1]!, name: options.name }
      const added = await admin.call<Centre>('POST', identityPath(args[0]!, 'centres'), { body })
      output.result(added, () => table(CENTRES, [added], ''))
      return undefined
    }),
  )
}

function addMachine(frame: Frame, machines: Command): void {
  const add = describe(machines.command('add'), 'register a machine with its public key', [
    [
      'keyhaven identity machines add demo 10001 10077 --key machine.pem',
      'SubjectPublicKeyInfo of an RSA-2048 key',
    ],
  ])
    .argument(...APPLICATION)
    .argument('<centre>', 'where it stands')
    .argument('<machine>', 'its id')
    .requiredOption(
      '--key <file>',
      'its public key: PEM, DER, Base64 or JWK (profile keyhaven: Ed25519, or a JWK); - is stdin, as text',
    )
  withServerOptions(add).action(
    action<ServerOptions & { key: string }>(frame, async ({ context, output, options, args }) => {
      const [application, centre, id] = args as unknown as [string, string, string]
      const publicKey = await readKeyText(context, options.key)
      using admin = await connectAdmin(context, options)
      const body = { centre, id, publicKey }
      const added = await admin.call<Machine>('POST', identityPath(application, 'machines'), { body })
      output.result(added, () => table(MACHINES, [added], ''))
      return undefined
    }),
  )
}

/** DER begins with a SEQUENCE, which no text does. */
async function readKeyText(context: Context, source: string): Promise<string> {
  if (source === '-') return readInput(context, source)
  const bytes = Buffer.from(await readFileOf(resolve(context.cwd, source), source))
  return (
    ed25519Jwk(bytes) ?? (bytes[0] === DER_SEQUENCE ? bytes.toString('base64') : readInput(context, source))
  )
}

/** Machines of the profile `keyhaven` are known by a JWK, which openssl does not write. */
function ed25519Jwk(bytes: Buffer): string | undefined {
  try {
    const key = readPublicKey(bytes)
    return key.asymmetricKeyType === 'ed25519' ? JSON.stringify(key.export({ format: 'jwk' })) : undefined
  } catch {
    return undefined // the server says what is wrong with it
  }
}

function addOfficer(frame: Frame, officers: Command): void {
  const add = describe(officers.command('add'), 'let somebody register people from now on', [
    ['keyhaven identity officers add demo 110125', 'Packets that he makes from now on are accepted'],
  ])
    .argument(...APPLICATION)
    .argument('<officer>', 'subject of the OIDC provider')
  withServerOptions(add).action(
    action<ServerOptions>(frame, async ({ context, output, options, args }) => {
      using admin = await connectAdmin(context, options)
      const body = { officer: args[1]! }
      const added = await admin.call<Officer>('POST', identityPath(args[0]!, 'officers'), { body })
      output.result(added, () => table(OFFICERS, [added], ''))
      return undefined
    }),
  )
}

function endCommand(
  frame: Frame,
  parent: Command,
  name: string,
  text: string,
  named: readonly string[],
  path: (args: readonly string[]) => readonly string[],
): void {
  const example = { centre: '10001', machine: '10077', officer: '110125' } as Readonly<Record<string, string>>
  const values = named.map((what) => example[what]).join(' ')
  const command = describe(parent.command(name), text, [
    [`keyhaven identity ${parent.name()} ${name} demo ${values}`, 'What it brought in before stays'],
  ]).argument(...APPLICATION)
  for (const what of named) command.argument(`<${what}>`, `id of the ${what}`)
  withServerOptions(command).action(
    action<ServerOptions>(frame, async ({ context, output, options, args }) => {
      const [application, ...rest] = args as readonly string[]
      using admin = await connectAdmin(context, options)
      await admin.call('POST', identityPath(application!, ...path(rest)))
      output.result({ ended: rest }, () => `ended ${rest.join(' ')}`)
      return undefined
    }),
  )
}
