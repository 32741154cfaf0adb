/** What to do, by the code with which a reason begins. */
const ADVICE: Readonly<Record<string, string>> = {
  DUPLICATE: 'The person is registered already. Compare the two registrations before anything else is done.',
  OPEN_FAILED:
    'The packet was not encrypted for this server and station, or was changed on the way. Let the machine ' +
    'fetch the present certificate, build the packet again, and upload it.',
  SIGNATURE_INVALID:
    'It was not signed with the registered key of its machine. Compare the key under Centres and machines.',
  CERTIFICATE_INVALID: 'A certificate has ended or was revoked. Renew it, and let the person come again.',
  ACCESS_DENIED:
    'Centre, machine or officer was not registered when the packet was made. Register what is missing, and ' +
    'let the machine upload a new packet.',
  PACKET_INVALID: 'A check of the packet failed. Let the machine build it again from what was captured.',
}
const OTHERWISE = 'Let the machine build the packet again from what was captured, and upload it.'

/** What an operator can do about a rejection. @param reason - `CODE: what is wrong`. */
export function adviceOn(reason: string | null): string {
  const code = reason?.split(':')[0] ?? ''
  return Object.hasOwn(ADVICE, code) ? String(ADVICE[code]) : OTHERWISE
}
