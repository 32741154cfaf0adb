import { once } from '../once.ts'

/** Loaded only where something is missing, so that a modern browser never fetches it. */
export const nobleFallback = once(async () => {
  const [{ noblePrimitives }, { nobleSignatures }, { x25519 }] = await Promise.all([
    import('../noble/primitives.ts'),
    import('../noble/signatures.ts'),
    import('../noble/x25519.ts'),
  ])
  return { noblePrimitives, nobleSignatures, x25519 }
})
