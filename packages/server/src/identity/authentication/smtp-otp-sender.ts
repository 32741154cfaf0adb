import { KeyhavenError } from '@keyhaven/crypto'
import type { OtpSender } from '@keyhaven/identity/service'
import type { Transporter } from 'nodemailer'

const TIMEOUT_MS = 10_000
const SUBJECT = 'Your one-time password'

/** One-time passwords by e-mail. The library is loaded with the first one. */
export function createSmtpOtpSender({
  url,
  from,
}: {
  readonly url: string
  readonly from: string
}): OtpSender {
  let opened: Promise<Transporter> | undefined
  const open = async (): Promise<Transporter> => {
    const { createTransport } = await import('nodemailer')
    const options = { connectionTimeout: TIMEOUT_MS, greetingTimeout: TIMEOUT_MS, socketTimeout: TIMEOUT_MS }
    return createTransport({ url, ...options, disableFileAccess: true, disableUrlAccess: true })
  }
  return {
    channel: 'EMAIL',
    async send({ to, otp, validMinutes }) {
      opened ??= open()
      const text =
        `Your one-time password is ${otp}. It can be used once, within ${validMinutes} minutes.\n\n` +
        'Tell it to nobody who asks you for it by phone or mail.\n'
      try {
        // The address comes from a person's data: as an object it is one address, whatever stands in it.
        await (await opened).sendMail({ from, to: { name: '', address: to }, subject: SUBJECT, text })
      } catch (cause) {
        throw new KeyhavenError('UPSTREAM_FAILED', 'a one-time password could not be sent', { cause })
      }
    },
  }
}
