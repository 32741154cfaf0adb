/** Of a whole envelope, in characters. */
export const MAX_ENVELOPE_CHARACTERS = 262_144
/** What a negotiation may take of an envelope, so that a message still fits beside it. */
export const MAX_NEGOTIATION_CHARACTERS = 196_608
export const MAX_NEGOTIATION_JWS_CHARACTERS = 131_072
export const MAX_RECIPIENT_DEVICES = 256
export const SESSION_ID_BYTES = 16
/** Of a device id: 16 bytes, base64url. */
export const DEVICE_ID_CHARACTERS = 22
export const SESSION_ID_CHARACTERS = 22
/** 128 characters of at most four bytes in UTF-8. */
export const MAX_USERNAME_BYTES = 512
/** Nobody sends more under one session key, whatever his settings. */
export const MAX_MESSAGE_NUMBER = 0xffff_fffe
/** Message keys that a receiving chain keeps for messages that are late. */
export const SKIP_WINDOW = 2_000
