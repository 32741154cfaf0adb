import type { ErrorCode } from '@keyhaven/crypto'

/** What to do about an error that carries a code only. An error's own advice comes first. */
export const ADVICE: Readonly<Record<ErrorCode, string>> = {
  ACCESS_DENIED: 'Use a token that has the role. `keyhaven tokens list` shows the roles of each token.',
  CHANNEL_REQUIRED: 'Call it through the channel: give --trust THUMBPRINT.',
  CLOCK_SKEW: "Set this machine's clock (for instance with NTP) and try again.",
  CONFIG_INVALID: 'Correct what is named above; `keyhaven serve --help` lists all settings.',
  CONFLICT:
    'Choose another name if it is taken; otherwise look at the present state ' +
    '(`keyhaven keys list APPLICATION`) and try again.',
  GATEWAY_REFUSED: 'Check that --server is the address of the admin API of a Keyhaven server.',
  GATEWAY_UNAVAILABLE:
    'Check that the server runs and that --server is right; `keyhaven doctor` looks closer.',
  INPUT_INVALID: 'Correct the argument that is named above; --help lists what is allowed.',
  KEY_EXPIRED: 'Renew the key and try again.',
  KEY_REVOKED: 'Add a new key with `keyhaven keys add APPLICATION`.',
  KEY_UNKNOWN: 'Check the application and the key: `keyhaven keys list APPLICATION`.',
  MANIFEST_EXPIRED:
    'Check the clock; if it is right, the server has published no manifest lately: ' +
    'see `keyhaven trust status APPLICATION` for an expired delegation.',
  MANIFEST_INVALID: 'Check the application id and the root thumbprint: `keyhaven trust status APPLICATION`.',
  MANIFEST_ROLLED_BACK:
    'The server answers with an older manifest than before. If it was restored, run `keyhaven recover` there; ' +
    'otherwise somebody replays an old answer.',
  NOT_FOUND:
    'Look for the right name: `keyhaven apps list`, `keyhaven keys list APPLICATION`. If those fail too, check ' +
    'that --server is the address of the admin API, not the public one.',
  OPEN_FAILED:
    'Check that it belongs here: the passphrase, the master key or the root thumbprint may be another one, ' +
    'or the data was altered.',
  RATE_LIMITED: 'Wait a minute and try again.',
  REPLAYED: 'Run the command again.',
  RESULT_UNKNOWN: 'It may have been done. Look at the present state before you run it again.',
  SIGNATURE_INVALID: 'Check that the right root key signed it, for this application.',
  STATE_ROLLED_BACK:
    'The database is older than the anchor beside the master key. If a backup was restored on purpose, ' +
    'run `keyhaven recover`; otherwise find the newer database.',
  STORE_UNAVAILABLE:
    'Check that the database (and Redis, if configured) run; `keyhaven doctor` looks closer.',
  UNAUTHENTICATED:
    'Set KEYHAVEN_ADMIN_TOKEN to a token of this server, or unset it and name the data folder that holds ' +
    'admin-token with --data DIR.',
  UNSUPPORTED: 'Use a version of Keyhaven that has it, or another suite.',
  UPSTREAM_FAILED: 'Check that the upstream runs.',
  UPSTREAM_REFUSED: 'Name the upstream with --upstream.',
  WIRE_MALFORMED:
    'Check that the file or the address is the right one: the data is not in the expected form.',
  WIRE_TOO_LARGE: 'Send less: the input is over its limit.',
}
