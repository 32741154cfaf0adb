import type { Config } from '../platform/config/config.ts'
import type { MetricSnapshot } from '../platform/metrics/registry.ts'
import type { ProxyMode } from '../proxy/proxy-mode.ts'

/** From the primary process to a worker. */
export type ToWorker =
  | { readonly kind: 'start'; readonly config: Config; readonly proxy: ProxyMode | undefined }
  | { readonly kind: 'collect'; readonly id: number }
  | { readonly kind: 'flush'; readonly id: number }
  | { readonly kind: 'stop' }

/** From a worker to the primary process. */
export type FromWorker =
  | { readonly kind: 'listening'; readonly url: string; readonly identityUrl?: string }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }
  | { readonly kind: 'answer'; readonly id: number; readonly metrics: readonly MetricSnapshot[] }
