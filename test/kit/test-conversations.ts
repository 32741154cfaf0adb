import {
  type ConversationKey,
  newMessageId,
  openMessage,
  sealMessage,
  verifyMessage,
} from '@keyhaven/conversations'
import type { ConversationCipher } from '@keyhaven/conversations/xmpp'
import { fromBase64, fromUtf8, KeyhavenError, randomId, toBase64, toBase64url, utf8 } from '@keyhaven/crypto'
import { nodeBackend } from '@keyhaven/crypto/node'
import { type ChainSigner, signerOf } from '@keyhaven/directory'

const HASH_BYTES = 32
const ID_BYTES = 16

/** What a test device reads. */
export interface TestMessage {
  readonly id: string
  readonly text: string
  readonly from: { readonly username: string; readonly device: string }
}

interface Issued {
  readonly key: ConversationKey
  readonly members: ReadonlySet<string>
}

/**
 * Stands in for the key server and the directory: keys by id, for the members of their time; devices' public
 * keys.
 */
export class TestKeyServer {
  readonly keys = new Map<string, Issued>()
  readonly current = new Map<string, string>()
  readonly signers = new Map<string, ChainSigner>()

  /** @returns the conversation's id. */
  create(members: readonly string[]): string {
    const conversation = randomId(nodeBackend, ID_BYTES)
    this.rotate(conversation, members)
    return conversation
  }

  /** A new key, for these members. @returns its id. */
  rotate(conversation: string, members: readonly string[]): string {
    const id = randomId(nodeBackend, ID_BYTES)
    const bytes = nodeBackend.randomBytes(HASH_BYTES)
    const key: ConversationKey = { application: 'demo', conversation, key: id, algorithm: 'A256GCM', bytes }
    this.keys.set(id, { key, members: new Set(members) })
    this.current.set(conversation, id)
    return id
  }
}

/**
 * One device: packets as they are on the wire, real keys and signatures; which keys it gets, the test
 * decides.
 */
export class TestDevice implements ConversationCipher<string, TestMessage> {
  readonly username: string
  readonly device = randomId(nodeBackend, ID_BYTES)
  /** How often each message was decrypted, duplicates too. */
  readonly attempts = new Map<string, number>()
  readonly #server: TestKeyServer
  readonly #signer: Promise<ChainSigner>
  readonly #seen = new Set<string>()

  constructor(server: TestKeyServer, username: string) {
    this.username = username
    this.#server = server
    this.#signer = this.#newSigner()
  }

  async #newSigner(): Promise<ChainSigner> {
    const signer = signerOf(nodeBackend, await nodeBackend.signatures.generateKeyPair('EdDSA'))
    this.#server.signers.set(this.device, signer)
    return signer
  }

  async open(conversation: string) {
    return {
      encrypt: async (text: string) => {
        const keyId = this.#server.current.get(conversation)!
        const id = newMessageId(nodeBackend)
        const packet = await sealMessage(nodeBackend, await this.#signer, this.#server.keys.get(keyId)!.key, {
          kind: 'text',
          username: this.username,
          device: this.device,
          entry: toBase64url(new Uint8Array(HASH_BYTES)),
          membership: { sequence: 0, head: toBase64url(new Uint8Array(HASH_BYTES)) },
          id,
          time: Date.now(),
          content: utf8(text),
        })
        // What it sent itself, it knows.
        this.#seen.add(`${this.device}/${id}`)
        return { keyId, packet: toBase64(packet), id }
      },
    }
  }

  async decrypt(
    keyId: string,
    packet: string,
    { from, archive }: { readonly from?: string; readonly archive?: boolean },
  ): Promise<TestMessage> {
    const issued = this.#server.keys.get(keyId)
    if (!issued) throw new KeyhavenError('NOT_FOUND', 'no such key')
    if (!issued.members.has(this.username)) throw new KeyhavenError('ACCESS_DENIED', 'not a member')
    const opened = await openMessage(nodeBackend, issued.key, fromBase64(packet))
    const signer = this.#server.signers.get(opened.device)!
    await verifyMessage(nodeBackend, { algorithm: 'EdDSA', jwk: signer.jwk }, opened)
    if (from !== undefined && from !== opened.username) {
      throw new KeyhavenError('SIGNATURE_INVALID', 'signed by somebody else')
    }
    const name = `${opened.device}/${opened.id}`
    this.attempts.set(opened.id, (this.attempts.get(opened.id) ?? 0) + 1)
    if (this.#seen.has(name) && !archive) throw new KeyhavenError('DUPLICATE', 'read already')
    this.#seen.add(name)
    return {
      id: opened.id,
      text: fromUtf8(opened.content),
      from: { username: opened.username, device: opened.device },
    }
  }
}
