import type { ErrorCode } from '@keyhaven/crypto'

const ADVICE: Partial<Record<ErrorCode, string>> = {
  CHAIN_BROKEN: 'Do not send: the directory shows two histories of this user. Tell your operator.',
  CHAIN_RESET: 'This user was reset. Compare safety numbers, then accept the new chain.',
  DEVICE_REVOKED: 'The device was revoked. Its owner enrols a device anew.',
  DIRECTORY_STALE: 'The directory answered with an old state. Try again; if it stays so, tell your operator.',
  KEY_EXPIRED: 'The key has expired. The device renews it when it is next online.',
  KEY_NOT_YET_VALID: 'The key is not valid yet. Check the clocks of both devices.',
  LOG_INCONSISTENT: 'The directory shows different logs to different people. Stop, and tell your operator.',
  NOT_FOUND: 'No such user. Check the name.',
  PROOF_INVALID: 'The directory could not prove its answer. Tell your operator.',
  RATE_LIMITED: 'Too many look-ups. Try again later.',
  RECORD_INVALID: 'The device has a record that is not valid. Its owner enrols it anew.',
  SUITE_REFUSED: 'The device uses an old suite. Its owner renews to a newer one.',
  UNSUPPORTED: 'This runtime does not support the suite of the device.',
}

/** What to do about a recipient that was left out, in a sentence. */
export function adviceOn(code: ErrorCode): string {
  return ADVICE[code] ?? 'Try again; if it stays so, tell your operator.'
}

const RECEIVING_ADVICE: Partial<Record<ErrorCode, string>> = {
  DUPLICATE: 'The message was read or sent here already: the history that this device keeps has it.',
  HISTORY_UNAVAILABLE:
    'Read it on a device that has it, let that device hand its history over, or restore a backup with the recovery key.',
  KEY_EXPIRED: 'Ask the sender to send the key again: repair() makes the request.',
  OPEN_FAILED: 'The message was changed under way or is not for this device.',
  RECORD_INVALID:
    'Do not rely on this message: what it says about its sender or its readers breaks the rules. Ask its sender to ' +
    'send it again; if that does not help, tell your operator.',
  SENDER_REVOKED: 'Do not trust this message: the sending device was revoked.',
  SESSION_UNKNOWN: 'Ask the sender to send the key again: repair() makes the request.',
  WIRE_MALFORMED:
    'This is no message, or one that was cut under way: hand over the whole envelope, unchanged.',
  SIGNATURE_INVALID:
    'The message is for somebody else, or was changed under way. Do not rely on it; if you expected one, ask its sender.',
}

/** What to do about a message that was not read, in a sentence. */
export function adviceOnReceiving(code: ErrorCode): string {
  return RECEIVING_ADVICE[code] ?? adviceOn(code)
}
