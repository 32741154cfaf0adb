import type { BhttpField } from '../wire/bhttp-message.ts'

/**
 * Header fields of a request that was opened here: names are in lower case and values checked already, so
 * looking one up needs no `Headers`. Everything else is done by a real one, made when it is first needed.
 */
export class LightHeaders implements Headers {
  readonly #fields: readonly BhttpField[]
  #real: Headers | undefined

  constructor(fields: readonly BhttpField[]) {
    this.#fields = fields
  }

  get #headers(): Headers {
    if (this.#real === undefined) {
      this.#real = new Headers()
      for (const [name, value] of this.#fields) this.#real.append(name, value)
    }
    return this.#real
  }

  get(name: string): string | null {
    if (this.#real !== undefined) return this.#real.get(name)
    const wanted = name.toLowerCase()
    let found: string | null = null
    for (const [fieldName, value] of this.#fields) {
      if (fieldName !== wanted) continue
      found = found === null ? value : `${found}${wanted === 'cookie' ? '; ' : ', '}${value}`
    }
    return found
  }

  has(name: string): boolean {
    return this.get(name) !== null
  }

  getSetCookie(): string[] {
    return this.#headers.getSetCookie()
  }

  append(name: string, value: string): void {
    this.#headers.append(name, value)
  }

  set(name: string, value: string): void {
    this.#headers.set(name, value)
  }

  delete(name: string): void {
    this.#headers.delete(name)
  }

  forEach(callback: (value: string, key: string, parent: Headers) => void, thisArg?: unknown): void {
    this.#headers.forEach((value, name) => {
      callback.call(thisArg, value, name, this)
    })
  }

  entries(): HeadersIterator<[string, string]> {
    return this.#headers.entries()
  }

  keys(): HeadersIterator<string> {
    return this.#headers.keys()
  }

  values(): HeadersIterator<string> {
    return this.#headers.values()
  }

  [Symbol.iterator](): HeadersIterator<[string, string]> {
    return this.#headers.entries()
  }
}

// `instanceof Headers` holds; no method of the platform's is reached, since each is defined above.
Object.setPrototypeOf(LightHeaders.prototype, Headers.prototype)
