export { type ClientInfo, ERROR_FIELD } from '../wire/client-header.ts'
export { encodeKeyConfig, encodeKeyConfigList, type KeyConfig } from '../wire/key-config.ts'
export { createGateway } from './create-gateway.ts'
export { HOP_BY_HOP_FIELDS } from './hop-by-hop.ts'
export { isBodyHeld } from './light-request.ts'
export { LightResponse, useLightResponse } from './light-response.ts'
export {
  CLOCK_SKEW_SECONDS,
  FUTURE_HOLD_MAX_SECONDS,
  GATEWAY_LIMITS,
  type GatewayLimits,
  KEY_CONFIGS_MAX_AGE_SECONDS,
  PROCESS_CLOCKS_SECONDS,
  REPLAY_WINDOW_SECONDS,
} from './limits.ts'
export { createMemoryReplayStore, type MemoryReplayStoreOptions } from './memory-replay-store.ts'
export type {
  EnvelopeCheck,
  Gateway,
  GatewayEvent,
  GatewayKey,
  GatewayKeys,
  GatewayOptions,
  OuterRequest,
  OuterResponse,
  ReplayEntry,
  ReplayStore,
  SealedContext,
  SealedHandler,
} from './ports.ts'
export { type StaticGatewayKey, staticGatewayKeys } from './static-gateway-keys.ts'
