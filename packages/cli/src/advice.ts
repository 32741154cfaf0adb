import type { ErrorCode } from '@keyhaven/crypto'

/** What to do about an error that carries a code only. An error's own advice comes first. */
export const ADVICE: Readonly<Record<ErrorCode, string>> = {
  ACCESS_DENIED:
    'If a role is missing, use a token that has it: `keyhaven tokens list` shows the roles of each token.',
  CERTIFICATE_INVALID:
    'Upload a certificate that is in its dates, signed by a registered authority, RSA 2048 bits or more and not ' +
    'revoked.',
  CHAIN_BROKEN:
    'The chain of this user lacks an entry or was altered. Do not trust its keys; run `keyhaven log verify`.',
  CHAIN_RESET: 'This user was reset. Compare safety numbers before you accept the new chain.',
  CHANNEL_REQUIRED: 'Call it through the channel: give --trust THUMBPRINT.',
  CLOCK_SKEW: "Set this machine's clock (for instance with NTP) and try again.",
  CONFIG_INVALID: 'Correct what is named above; `keyhaven serve --help` lists all settings.',
  CONFLICT:
    'Choose another name if it is taken; otherwise look at the present state ' +
    '(`keyhaven keys list APPLICATION`) and try again.',
  DEVICE_REVOKED: 'This device was revoked. Enrol it anew.',
  DIRECTORY_STALE:
    'The directory answers with an older state than was seen before. Try again; if it stays, ask the ' +
    'operator.',
  DUPLICATE: 'Nothing to do: it was received before.',
  FILE_DAMAGED:
    'Restore the object from a backup of the object store; `keyhaven files verify` lists what is damaged.',
  GATEWAY_REFUSED: 'Check that --server is the address of the admin API of a Keyhaven server.',
  GATEWAY_UNAVAILABLE:
    'Check that the server runs and that --server is right; `keyhaven doctor` looks closer.',
  HISTORY_UNAVAILABLE:
    'Restore the history with the recovery key, or let another device of the user hand it over.',
  INPUT_INVALID: 'Correct the argument that is named above; --help lists what is allowed.',
  KEY_EXPIRED: 'Renew the key and try again.',
  KEY_NOT_YET_VALID: 'Wait until the key is valid, or check the clock.',
  KEY_PENDING: 'Wait until a device that has the key is online; it shares the key by itself.',
  KEY_REVOKED: 'Add a new key with `keyhaven keys add APPLICATION`.',
  KEY_UNKNOWN: 'Check the application and the key: `keyhaven keys list APPLICATION`.',
  LAST_HOLDER: 'Let another device fetch the keys first, or repeat with the option that accepts the loss.',
  LOG_INCONSISTENT:
    'The log was shown to others in another form, or entries were taken out. Keep both checkpoints and ' +
    'tell the operator.',
  MANIFEST_EXPIRED:
    'Check the clock; if it is right, the server has published no manifest lately: ' +
    'see `keyhaven trust status APPLICATION` for an expired delegation.',
  MANIFEST_INVALID: 'Check the application id and the root thumbprint: `keyhaven trust status APPLICATION`.',
  MANIFEST_ROLLED_BACK:
    'The server answers with an older manifest than before. If it was restored, run `keyhaven recover` ' +
    'there; otherwise somebody replays an old answer.',
  MEMBERSHIP_FORKED:
    'Two histories of the members exist. Stop sending, compare the members with each other, and make a ' +
    'new conversation.',
  NOT_FOUND:
    'Look for the right name: `keyhaven apps list`, `keyhaven keys list APPLICATION`, ' +
    '`keyhaven directory users APPLICATION`, `keyhaven conversations list APPLICATION`. If those fail too, check that --server is the address of ' +
    'the admin API, not the public one.',
  OPEN_FAILED:
    'Check that it belongs here: the passphrase, the master key or the root thumbprint may be another one, ' +
    'or the data was altered.',
  PACKET_INVALID:
    'The check that fails is named above: let the station build the packet again from what was captured.',
  POLICY_REFUSED: 'Ask a partner manager for a policy that names what is missing.',
  PROOF_INVALID: 'The log does not prove this record. Do not trust it; run `keyhaven log verify`.',
  RATE_LIMITED: 'Wait a minute and try again.',
  RECORD_INVALID: 'Correct what is named above; docs/formats.md has the form of a record.',
  REPLAYED: 'Run the command again.',
  RESULT_UNKNOWN: 'It may have been done. Look at the present state before you run it again.',
  SENDER_REVOKED: 'The device that sent it was revoked. Ask the sender to write from another device.',
  SESSION_UNKNOWN: 'Ask the sender to negotiate again.',
  SHARE_SPENT: 'Ask for a new share: this one was read as often or as long as its policy allows.',
  SIGNATURE_INVALID: 'Check that the right root key signed it, for this application.',
  STATE_ROLLED_BACK:
    'The database is older than the anchor beside the master key. If a backup was restored on purpose, ' +
    'run `keyhaven recover`; otherwise find the newer database.',
  STORE_UNAVAILABLE:
    'Check that the database (and Redis, if configured) run; `keyhaven doctor` looks closer.',
  SUITE_REFUSED: 'Use a profile that is at least as strong as the present one and that is switched on.',
  UNAUTHENTICATED:
    'Set KEYHAVEN_ADMIN_TOKEN to a token of this server, or unset it and name the data folder that holds ' +
    'admin-token with --data DIR.',
  UNSUPPORTED: 'Use a version of Keyhaven that has it, or another suite.',
  UPLOAD_CONFLICT: 'Ask where the upload stands, and go on from there.',
  UPSTREAM_FAILED: 'Check that the upstream runs.',
  UPSTREAM_REFUSED: 'Name the upstream with --upstream.',
  WIRE_MALFORMED:
    'Check that the file or the address is the right one: the data is not in the expected form.',
  WIRE_TOO_LARGE: 'Send less: the input is over its limit.',
}
