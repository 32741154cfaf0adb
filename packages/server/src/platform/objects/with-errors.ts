import type { ObjectStore } from './object-store.ts'

/** The same store, with whatever it throws put into our terms; also what the streams and lists fail with. */
export function withErrors(store: ObjectStore, translate: (error: unknown) => unknown): ObjectStore {
  const rethrow = (error: unknown): never => {
    throw translate(error)
  }
  const each = async function* <T>(items: AsyncIterable<T>): AsyncGenerator<T, void, void> {
    try {
      yield* items
    } catch (error) {
      rethrow(error)
    }
  }
  return {
    kind: store.kind,
    put: (name, bytes) => store.put(name, bytes).catch(rethrow),
    get: (name) => store.get(name).catch(rethrow),
    beginUpload: (name) => store.beginUpload(name).catch(rethrow),
    writePart: (ref, part, bytes) => store.writePart(ref, part, bytes).catch(rethrow),
    complete: (ref, parts) => store.complete(ref, parts).catch(rethrow),
    abort: (ref) => store.abort(ref).catch(rethrow),
    read: (name, range) => store.read(name, range).catch(rethrow),
    head: (name) => store.head(name).catch(rethrow),
    delete: (name) => store.delete(name).catch(rethrow),
    list: (prefix) => each(store.list(prefix)),
    uploads: (prefix) => each(store.uploads(prefix)),
    sweep: (before) => store.sweep(before).catch(rethrow),
    check: () => store.check().catch(rethrow),
    close: () => store.close(),
  }
}
