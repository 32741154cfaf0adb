/** Binary HTTP (RFC 9292): whole messages, and messages that are written and read as they arrive. */
export type { BhttpEvent } from './bhttp-decoder.ts'
export {
  encodeEnd,
  encodeRequest,
  encodeRequestHead,
  encodeResponse,
} from './bhttp-encoder.ts'
export type {
  BhttpField,
  BhttpRequest,
  BhttpRequestHead,
  BhttpResponse,
  BhttpResponseHead,
} from './bhttp-message.ts'
export { BhttpRequestDecoder, decodeRequest } from './bhttp-request-decoder.ts'
export { BhttpResponseDecoder, decodeResponse } from './bhttp-response-decoder.ts'
