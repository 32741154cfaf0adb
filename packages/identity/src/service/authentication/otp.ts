import { backend } from '@keyhaven/crypto'
import type { OtpResponse } from '../../authentication/auth-messages.ts'
import type { Caller } from './check-caller.ts'
import { refuse } from './ida-refusal.ts'
import type { OpenedRequest } from './opened-request.ts'
import type { AuthenticationStore, OtpSender } from './ports.ts'
import type { SubjectNames } from './subject-names.ts'

export const OTP_DIGITS = 6
export const OTP_MINUTES = 5
/** Guesses at one password. */
export const OTP_ATTEMPTS = 3
const MS_PER_MINUTE = 60_000
/** The largest multiple of 10 that a byte can be below. */
const BYTE_LIMIT = 250

/** Where a person's one-time passwords go. */
export const OTP_ADDRESSES = { EMAIL: 'email', PHONE: 'phone' } as const

export interface OtpParts {
  readonly store: Pick<AuthenticationStore, 'saveOtp' | 'useOtp'>
  readonly senders: readonly OtpSender[]
  readonly names: SubjectNames
  readonly clock: () => number
  /** Gets a password that could not be sent: the caller is not told, whom it would tell who is enrolled. */
  readonly onError: (error: unknown) => void
}

/** The senders that a request wants. @throws IdaRefusal for a channel that this IDA has not. */
export function sendersFor({ channels }: OpenedRequest, senders: readonly OtpSender[]): OtpSender[] {
  if (channels.length === 0) throw refuse('OTP_CHANNEL_MISSING')
  return channels.map((channel) => {
    const sender = senders.find((one) => one.channel === channel)
    if (sender === undefined) throw refuse('OTP_CHANNEL_UNSUPPORTED', channel)
    return sender
  })
}

/**
 * Makes a one-time password and has it sent, if the person has an address. Whether that is so shows neither in
 * the answer nor, since nothing waits for the mail server, in its time.
 *
 * @param addresses - of the person; empty for somebody who is not known.
 */
export async function sendOtp(
  { store, names, clock, onError }: OtpParts,
  { partnerId }: Pick<Caller, 'partnerId'>,
  { id, transactionId }: OpenedRequest,
  senders: readonly OtpSender[],
  addresses: ReadonlyMap<string, string>,
): Promise<OtpResponse> {
  const otp = randomOtp()
  const person = await names.person(id)
  const hash = await names.otpHash(person, transactionId, otp)
  const expiresAt = clock() + OTP_MINUTES * MS_PER_MINUTE
  await store.saveOtp({ person, transactionId, partnerId, hash, expiresAt })
  for (const sender of senders) {
    const to = addresses.get(OTP_ADDRESSES[sender.channel])
    if (to !== undefined && to !== '') sender.send({ to, otp, validMinutes: OTP_MINUTES }).catch(onError)
  }
  return { maskedMobile: null, maskedEmail: null }
}

/** Whether it is the password that was sent; it is then gone, and every attempt counts. */
export async function checkOtp(
  { store, names, clock }: OtpParts,
  { partnerId }: Pick<Caller, 'partnerId'>,
  { id, transactionId }: OpenedRequest,
  otp: string,
): Promise<boolean> {
  const person = await names.person(id)
  const hash = await names.otpHash(person, transactionId, otp)
  return store.useOtp({ person, transactionId, partnerId, hash }, clock())
}

function randomOtp(): string {
  let otp = ''
  while (otp.length < OTP_DIGITS) {
    const [byte = BYTE_LIMIT] = backend.randomBytes(1)
    if (byte < BYTE_LIMIT) otp += byte % 10
  }
  return otp
}
