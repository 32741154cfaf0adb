interface Advice {
  /** Of the reason: `CODE: what is wrong`. */
  readonly reason: RegExp
  readonly advice: string
}

/** The first that fits. */
const ADVICE: readonly Advice[] = [
  {
    reason: /^DUPLICATE/,
    advice: 'The person is registered already. Compare the two registrations before anything else is done.',
  },
  {
    reason: /^OPEN_FAILED/,
    advice:
      'The packet was not encrypted for this server and station, or was changed on the way. Let the machine ' +
      'fetch the present certificate, build the packet again, and upload it.',
  },
  {
    reason: /operator/,
    advice:
      'Whoever made the packet was no registration officer then. Add the officer with keyhaven identity ' +
      'officers add, and let the person come again: what was made before stays refused.',
  },
  {
    reason: /^PACKET_INVALID: (UIN|biometrics)/,
    advice:
      'The packet brings a number that nobody active has, or biometrics that are not of its holder. Find out who ' +
      'came, and let the person come again.',
  },
  {
    reason: /nobody is registered|could be meant/,
    advice:
      'The lost number was not found, or not for one person alone. Look for the first registration by hand.',
  },
  {
    reason: /machine|signature/,
    advice:
      'The machine was not registered, or has another key. Compare it under Centres and machines, and let a ' +
      'registered machine build the packet again.',
  },
  {
    reason: /date/,
    advice: 'Set the clock of the machine, and let it build the packet again.',
  },
]
const OTHERWISE =
  'The packet is damaged or incomplete. Let the machine build it again from what was captured, and upload it.'

/** What an operator can do about a rejection. */
export function adviceOn(reason: string | null): string {
  return ADVICE.find((one) => one.reason.test(reason ?? ''))?.advice ?? OTHERWISE
}
