/** Of a text, a file's description or an application's bytes. */
export const MAX_CONTENT_BYTES = 196_608
export const SALT_BYTES = 32
export const MESSAGE_ID_BYTES = 16
/** 128 characters of at most four bytes in UTF-8. */
export const MAX_USERNAME_BYTES = 512
export const DEVICE_CHARACTERS = 22
/** RSA-3072 takes 384. */
export const MAX_SIGNATURE_BYTES = 384
/** Padmé size of the largest frame, and what is around it. */
export const MAX_PACKET_BYTES = 200_753
