import { backend } from '@keyhaven/crypto'

/** Keeps the backend in the bundle. */
export function backendName(): string {
  return backend.name
}
