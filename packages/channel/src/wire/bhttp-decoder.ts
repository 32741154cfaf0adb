import { KeyhavenError } from '@keyhaven/crypto'
import type { BhttpLimits } from './bhttp-limits.ts'
import type { BhttpField } from './bhttp-message.ts'
import { checkFraming, checkTrailers } from './bhttp-rules.ts'
import { ByteQueue, INCOMPLETE } from './byte-queue.ts'
import { FIELD_NAME_CHARACTERS, FIELD_VALUE_CHARACTERS } from './http-characters.ts'

/** What a decoder reports, in this order: one head, any number of contents, one end. */
export type BhttpEvent<Head> =
  | { readonly type: 'head'; readonly head: Head }
  | { readonly type: 'content'; readonly bytes: Uint8Array }
  | { readonly type: 'end'; readonly trailers: readonly BhttpField[] }

/** How far the control data (RFC 9292 §3.4, §3.5) of one kind of message has been read. */
export interface ControlReader<Head> {
  readonly knownLengthFraming: number
  readonly indeterminateLengthFraming: number
  /** Reads on. @returns whether a field section follows now; false: more bytes are needed. */
  read(queue: ByteQueue): boolean
  /**
   * Takes the field section that followed. @returns undefined if it was informational: control data follows.
   */
  complete(headers: BhttpField[], contentLength: number | undefined): Head | undefined
  /** Throws if this head cannot have this much content; `declared` is its `content-length`. */
  checkContent(length: number, declared: number | undefined): void
}

type State = 'framing' | 'control' | 'section' | 'fields' | 'content-length' | 'content' | 'padding' | 'ended'

const NO_FIELDS: BhttpField[] = []
const SPACE = 0x20
const TAB = 0x09

function malformed(what: string): KeyhavenError {
  return new KeyhavenError('WIRE_MALFORMED', what)
}

function tooLarge(what: string): KeyhavenError {
  return new KeyhavenError('WIRE_TOO_LARGE', what)
}

/**
 * Reads one Binary HTTP message (RFC 9292), of known or indeterminate length, as its bytes arrive. Keeps no
 * more than one incomplete field line.
 *
 * Errors: KeyhavenError `WIRE_MALFORMED`, `WIRE_TOO_LARGE`; after one the decoder is not used again.
 */
export class BhttpDecoder<Head> {
  readonly #queue = new ByteQueue()
  readonly #limits: BhttpLimits
  readonly #control: ControlReader<Head>
  #state: State = 'framing'
  #known = false
  #inTrailers = false
  #fields: BhttpField[] = NO_FIELDS
  /** Bytes of the field section not read yet if its length is known, otherwise of the room it has. */
  #sectionBytes = 0
  #contentBytes = 0
  /** Bytes of the current content chunk not read yet. */
  #chunkBytes = 0
  #contentLength: number | undefined

  constructor(control: ControlReader<Head>, limits: BhttpLimits) {
    this.#control = control
    this.#limits = limits
  }

  /**
   * @param bytes - the next piece; not written to afterwards by the caller, and content is views into it.
   * @param last - whether this is the end of the message.
   */
  push(bytes: Uint8Array, last: boolean): BhttpEvent<Head>[] {
    const events: BhttpEvent<Head>[] = []
    this.#queue.append(bytes)
    while (this.#step(events, last)) {}
    if (!last) return events
    if (this.#state !== 'padding' || this.#queue.available !== 0) throw malformed('message is cut')
    this.#state = 'ended'
    this.#control.checkContent(this.#contentBytes, this.#contentLength)
    events.push({ type: 'end', trailers: this.#fields })
    return events
  }

  /** @returns whether to go on: false when more bytes are needed, or none are left. */
  #step(events: BhttpEvent<Head>[], last: boolean): boolean {
    const queue = this.#queue
    switch (this.#state) {
      case 'framing':
        return this.#framing()
      case 'control':
        if (!this.#control.read(queue)) return false
        this.#state = 'section'
        return true
      case 'section':
        return this.#section(last)
      case 'fields':
        return this.#known ? this.#knownFields(events) : this.#indeterminateFields(events)
      case 'content-length':
        return this.#nextContent(last)
      case 'content':
        return this.#content(events)
      case 'padding':
        if (queue.available === 0) return false
        for (const byte of queue.take(queue.available)) if (byte !== 0) throw malformed('padding is not zero')
        return false
      case 'ended':
        throw malformed('bytes after the end')
    }
  }

  #framing(): boolean {
    const framing = this.#queue.varint()
    if (framing === INCOMPLETE) return false
    this.#known = framing === this.#control.knownLengthFraming
    if (!this.#known && framing !== this.#control.indeterminateLengthFraming)
      throw malformed('framing indicator')
    this.#state = 'control'
    return true
  }

  /** A section that would be empty, with all after it, may be left out (RFC 9292 §3.8). */
  #section(last: boolean): boolean {
    if (this.#known) {
      let length = this.#queue.varint()
      if (length === INCOMPLETE) {
        if (!last || this.#queue.available !== 0) return false
        length = 0
      }
      if (length > this.#limits.maxFieldSectionBytes) throw tooLarge('field section')
      this.#sectionBytes = length
    } else {
      if (this.#queue.available === 0 && !last) return false
      this.#sectionBytes = this.#limits.maxFieldSectionBytes
    }
    this.#fields = NO_FIELDS
    this.#state = 'fields'
    return true
  }

  #knownFields(events: BhttpEvent<Head>[]): boolean {
    while (this.#sectionBytes > 0) {
      const read = this.#fieldLine()
      if (read === INCOMPLETE) return false
      if (read === 0) throw malformed('empty field name')
      this.#sectionBytes -= read
    }
    this.#endSection(events)
    return true
  }

  #indeterminateFields(events: BhttpEvent<Head>[]): boolean {
    for (;;) {
      if (this.#queue.available === 0) {
        // Only a section without any field line can have been left out.
        if (this.#fields.length > 0) return false
        break
      }
      const read = this.#fieldLine()
      if (read === INCOMPLETE) return false
      if (read === 0) break
      this.#sectionBytes -= read
    }
    this.#endSection(events)
    return true
  }

  /** @returns bytes read, 0 for an empty name (a terminator), or {@link INCOMPLETE} with nothing read. */
  #fieldLine(): number {
    const queue = this.#queue
    const limits = this.#limits
    const before = queue.available
    const nameLength = queue.varint()
    if (nameLength === INCOMPLETE) return this.#incomplete(before)
    if (nameLength === 0) return 0
    if (nameLength > limits.maxFieldNameBytes) throw tooLarge('field name')
    if (nameLength > this.#sectionBytes) throw malformed('field line leaves its section')
    if (queue.available < nameLength) return this.#incomplete(before)
    const name = queue.text(nameLength, FIELD_NAME_CHARACTERS, 'a field name')
    const valueLength = queue.varint()
    if (valueLength === INCOMPLETE) return this.#incomplete(before)
    if (valueLength > limits.maxFieldValueBytes) throw tooLarge('field value')
    const read = before - queue.available + valueLength
    if (read > this.#sectionBytes) {
      throw this.#known ? malformed('field line leaves its section') : tooLarge('field section')
    }
    if (queue.available < valueLength) return this.#incomplete(before)
    const value = queue.text(valueLength, FIELD_VALUE_CHARACTERS, 'a field value')
    if (valueLength > 0 && (isBlank(value, 0) || isBlank(value, valueLength - 1))) {
      throw malformed('field value starts or ends with a blank')
    }
    if (this.#fields === NO_FIELDS) this.#fields = []
    if (this.#fields.push([name, value]) > limits.maxFields) throw tooLarge('number of fields')
    return read
  }

  #incomplete(before: number): typeof INCOMPLETE {
    this.#queue.unread(before - this.#queue.available)
    // A section of known length that is all there cannot need more.
    if (this.#known && before >= this.#sectionBytes) throw malformed('field line leaves its section')
    return INCOMPLETE
  }

  #endSection(events: BhttpEvent<Head>[]): void {
    if (this.#inTrailers) {
      checkTrailers(this.#fields)
      this.#state = 'padding'
      return
    }
    const contentLength = checkFraming(this.#fields)
    const head = this.#control.complete(this.#fields, contentLength)
    this.#fields = NO_FIELDS
    if (head === undefined) {
      this.#state = 'control'
      return
    }
    this.#contentLength = contentLength
    this.#state = 'content-length'
    events.push({ type: 'head', head })
  }

  #nextContent(last: boolean): boolean {
    let length = this.#queue.varint()
    if (length === INCOMPLETE) {
      if (!last || this.#queue.available !== 0 || this.#contentBytes !== 0) return false
      length = 0
    }
    if (length > this.#limits.maxContentBytes - this.#contentBytes) throw tooLarge('content')
    this.#contentBytes += length
    this.#chunkBytes = length
    if (length > 0) {
      // Sooner than at the end: no byte is handed out that cannot belong to the message.
      if (this.#contentBytes > (this.#contentLength ?? length + this.#contentBytes)) {
        throw malformed('content is longer than content-length')
      }
      this.#state = 'content'
    } else {
      this.#endContent()
    }
    return true
  }

  #content(events: BhttpEvent<Head>[]): boolean {
    const length = Math.min(this.#chunkBytes, this.#queue.available)
    if (length === 0) return false
    events.push({ type: 'content', bytes: this.#queue.take(length) })
    this.#chunkBytes -= length
    if (this.#chunkBytes > 0) return false
    if (this.#known) this.#endContent()
    else this.#state = 'content-length'
    return true
  }

  #endContent(): void {
    this.#inTrailers = true
    this.#state = 'section'
  }
}

function isBlank(text: string, at: number): boolean {
  const code = text.charCodeAt(at)
  return code === SPACE || code === TAB
}
