import type { KycResult, OtpChannel, RelyingParty } from '@keyhaven/identity'
import { type Command, Option } from 'commander'
import { usageError } from '../command-error.ts'
import type { Context } from '../context.ts'
import { EXIT_FAILED, EXIT_OK } from '../exit-code.ts'
import { action, describe, type Frame } from '../frame.ts'
import { parseUserJson, readInput } from '../input/read-input.ts'
import { fields } from '../terminal/output.ts'

const CLAIM = /^([A-Za-z0-9]+)(?:\.([a-z]{3}))?=(.+)$/s
const TEXTS = ['url', 'partnerId', 'apiKey', 'licenceKey'] as const
const FILES = ['certificate', 'privateKey', 'idaRoots'] as const

interface Options {
  readonly party: string
  readonly id: string
  readonly idType: 'UIN' | 'VID'
  readonly claim?: readonly string[]
  readonly otp?: string
  readonly transaction?: string
  readonly kyc?: boolean
  readonly requestOtp?: boolean
}

/** `keyhaven auth try`: asks an IDA as a relying party does. */
export function authTryCommand(frame: Frame, auth: Command): void {
  describe(
    auth.command('try'),
    'ask an IDA as a relying party does: signed, encrypted, its answer verified',
    [
      ['keyhaven auth try --party bank.json --id 7193064825 --claim dob=1990/05/11', 'By date of birth'],
      [
        'keyhaven auth try --party bank.json --id - --claim "name.eng=Testina Sampleby" --kyc',
        'And the attributes',
      ],
      ['keyhaven auth try --party bank.json --id 7193064825 --request-otp', 'First, a one-time password'],
    ],
  )
    .requiredOption(
      '--party <file>',
      'JSON: url, partnerId, apiKey, licenceKey, and files certificate, privateKey, idaRoots (PEM); ' +
        'profile, encryptionKey (base64url) where it is keyhaven',
    )
    .requiredOption('--id <id>', 'UIN or VID; - is stdin')
    .addOption(new Option('--id-type <type>', 'what that number is').choices(['UIN', 'VID']).default('UIN'))
    .option(
      '--claim <name=value>',
      'something claimed of the person, name.LANGUAGE=value for a text; more than once for several',
      (value: string, before: string[] = []) => [...before, value],
    )
    .option('--otp <digits>', 'one-time password, with --transaction')
    .option('--transaction <id>', 'the one that a one-time password was asked for with')
    .option('--request-otp', 'have a one-time password sent')
    .option('--kyc', 'ask for the attributes that the policy allows; the person has agreed')
    .action(
      action<Options>(frame, async ({ context, output, options }) => {
        checkOptions(options)
        const party = await openParty(context, options)
        const id = options.id === '-' ? await readInput(context, '-') : options.id
        if (options.requestOtp) {
          const channels: OtpChannel[] = ['EMAIL']
          const sent = await party.requestOtp({ id, idType: options.idType, channels })
          output.result(sent, () =>
            fields([
              ['sent to', sent.maskedEmail],
              ['transaction', sent.transactionId],
              ['errors', codes(sent.errors)],
            ]),
          )
          if (sent.sent)
            output.note('Give the password with --otp, and --transaction as above, within 5 minutes.')
          return sent.sent ? EXIT_OK : EXIT_FAILED
        }
        const given = {
          ...{ id, idType: options.idType },
          ...(options.transaction === undefined ? {} : { transactionId: options.transaction }),
          ...(options.otp === undefined ? {} : { otp: options.otp }),
          ...(options.claim === undefined ? {} : { demographics: parseClaims(options.claim) }),
        }
        const answer: KycResult = options.kyc
          ? await party.kyc({ ...given, consent: true })
          : await party.authenticate(given)
        output.result(answer, () =>
          fields([
            ['authenticated', answer.authenticated ? 'yes' : 'no'],
            ['token', answer.token],
            ['errors', codes(answer.errors)],
            ['attributes', answer.identity && JSON.stringify(answer.identity)],
          ]),
        )
        return answer.authenticated ? EXIT_OK : EXIT_FAILED
      }),
    )
}

/** What IDA would refuse, and for a password count as one of three guesses. */
function checkOptions({ claim, otp, transaction, requestOtp }: Options): void {
  if (requestOtp) return
  if (otp !== undefined && transaction === undefined) {
    throw usageError('--otp needs --transaction', 'Give the one that --request-otp printed.')
  }
  if (otp === undefined && claim === undefined) {
    throw usageError('nothing proves who it is', 'Give --claim NAME=VALUE, or --otp after --request-otp.')
  }
}

function codes(errors: ReadonlyArray<{ readonly errorCode: string; readonly errorMessage: string }>) {
  return errors.length === 0
    ? undefined
    : errors.map(({ errorCode, errorMessage }) => `${errorCode} ${errorMessage}`).join('; ')
}

/** `dob=…` and `name.eng=…`, as a request has them. */
function parseClaims(claims: readonly string[]) {
  const demographics: Record<string, string | { language: string; value: string }[]> = {}
  for (const claim of claims) {
    const [, name, language, value] = CLAIM.exec(claim) ?? []
    if (name === undefined || value === undefined) {
      throw usageError(
        `--claim: "${claim.slice(0, 20)}" is no NAME=VALUE`,
        'Write dob=1990/05/11 or name.eng=Testina.',
      )
    }
    if (language === undefined) demographics[name] = value
    else {
      const before = demographics[name]
      demographics[name] = [...(Array.isArray(before) ? before : []), { language, value }]
    }
  }
  return demographics
}

/** The relying party that a file describes; secrets stand in files, never on the command line. */
async function openParty(context: Context, { party: file, kyc }: Options): Promise<RelyingParty> {
  const { createRelyingParty } = await import('@keyhaven/identity')
  const { fromBase64url } = await import('@keyhaven/crypto')
  const given = parseUserJson(file, await readInput(context, file))
  const wrong = [...TEXTS, ...FILES].find((name) => typeof given[name] !== 'string')
  if (wrong !== undefined)
    throw usageError(`${file}: ${wrong} is missing`, '`keyhaven auth try --help` lists all.')
  const texts = given as Record<(typeof TEXTS)[number] | (typeof FILES)[number], string>
  const [certificate, privateKey, idaRoots] = await Promise.all(
    FILES.map((name) => readInput(context, texts[name])),
  )
  const { encryptionKey, profile } = given
  if (profile !== undefined && profile !== 'mosip' && profile !== 'keyhaven') {
    throw usageError(`${file}: profile is neither mosip nor keyhaven`, 'Without one it is mosip.')
  }
  if (profile === 'keyhaven' && kyc === true && typeof encryptionKey !== 'string') {
    throw usageError(
      `${file}: encryptionKey is missing`,
      'Profile keyhaven seals the attributes of --kyc to it.',
    )
  }
  return createRelyingParty({
    ...{ url: texts.url, partnerId: texts.partnerId, apiKey: texts.apiKey, licenceKey: texts.licenceKey },
    ...{ certificate: certificate!, privateKey: privateKey!, idaRoots: idaRoots! },
    ...(profile === 'keyhaven' ? { profile } : {}),
    ...(typeof encryptionKey === 'string' ? { encryptionKey: fromBase64url(encryptionKey) } : {}),
  })
}
