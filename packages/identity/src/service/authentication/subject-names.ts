import { backend, toBase64url, utf8, Writer } from '@keyhaven/crypto'

const PERSON_LABEL = 'keyhaven ida person v1'
const OTP_LABEL = 'keyhaven ida otp v1'

/** Names under which people are counted: with a key that is not in them, nobody can try all ids. */
export interface SubjectNames {
  /** Of a person's id, whether there is such a person or not. */
  person(id: string): Promise<string>
  /** What is kept of a one-time password. */
  otpHash(person: string, transactionId: string, otp: string): Promise<Uint8Array>
}

/** Under which a partner's failures are counted. */
export function partnerSubject(partnerId: string): string {
  return `partner:${partnerId}`
}

/** @param key - 32 bytes. */
export function createSubjectNames(key: Uint8Array, application: string): SubjectNames {
  const keyed = (label: string, ...parts: readonly string[]) => {
    const writer = new Writer().bytes8(utf8(label)).bytes8(utf8(application))
    for (const part of parts) writer.bytes16(utf8(part))
    return backend.hmacSha256(key, writer.done())
  }
  return {
    person: async (id) => `person:${toBase64url(await keyed(PERSON_LABEL, id))}`,
    otpHash: async (person, transactionId, otp) => keyed(OTP_LABEL, person, transactionId, otp),
  }
}
