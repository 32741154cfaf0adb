import { MAX_ENVELOPE_CHARACTERS } from '@keyhaven/messaging'
import { MAX_PACKET_BYTES } from '../../message/limits.ts'

export const MAX_PACKET_CHARACTERS = Math.ceil(MAX_PACKET_BYTES / 3) * 4
/** An envelope's characters take up to 3 bytes of UTF-8 each, and then base64. */
export const MAX_ENVELOPE_BYTES = MAX_ENVELOPE_CHARACTERS * 3
export const MAX_ENVELOPE_TEXT_CHARACTERS = (MAX_ENVELOPE_BYTES / 3) * 4
/** Of one stanza as text. */
export const MAX_STANZA_CHARACTERS = 2_097_152
/** Deep enough for an archived message (5) with any formatting beside it. */
export const MAX_DEPTH = 32
export const MAX_ATTRIBUTES = 32
export const MAX_ATTRIBUTE_CHARACTERS = 8_192
export const MAX_ELEMENTS = 1_024
