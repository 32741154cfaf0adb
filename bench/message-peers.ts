import { nodeBackend, utf8 } from '@keyhaven/crypto/node'
import * as openpgp from 'openpgp'
import {
  type CiphersuiteImpl,
  createApplicationMessage,
  createCommit,
  createGroup,
  decodeMlsMessage,
  defaultCapabilities,
  defaultLifetime,
  emptyPskIndex,
  encodeMlsMessage,
  generateKeyPackage,
  getCiphersuiteFromName,
  getCiphersuiteImpl,
  joinGroup,
  nobleCryptoProvider,
  processPrivateMessage,
} from 'ts-mls'
import { initCrypto, VirgilCrypto } from 'virgil-crypto'

export const TS_MLS = 'ts-mls'
export const TS_MLS_NOBLE = 'ts-mls, its JavaScript provider'
const OPENPGP = 'openpgp'
const VIRGIL = 'virgil-crypto'

/** Another way to send a message from one person to another, authenticated by its sender. */
export interface MessagePeer {
  readonly name: string
  /**
   * Encrypts a message for the other, who decrypts it; both check what they must.
   *
   * @returns bytes on the wire.
   */
  exchange(payload: Uint8Array): Promise<number> | number
}

/** Another way to come to a common key. */
export interface NegotiationPeer {
  readonly name: string
  /** The first message to somebody whose keys are known, and its decryption. @returns bytes on the wire. */
  negotiate(payload: Uint8Array): Promise<number>
}

/** The suite that ts-mls has on every runtime without further packages. */
const MLS_SUITE = 'MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519'
const GROUP_ID_BYTES = 16

type KeyPackagePair = Awaited<ReturnType<typeof generateKeyPackage>>
type Group = Awaited<ReturnType<typeof createGroup>>

/**
 * ts-mls twice, with WebCrypto and with JavaScript, then the libraries that do public-key work for each
 * message.
 */
export async function messagePeers(): Promise<MessagePeer[]> {
  return [await mls(TS_MLS), await mls(TS_MLS_NOBLE), await openPgp(), await virgil()]
}

/** Those of {@link messagePeers} that negotiate at all. */
export async function negotiationPeers(): Promise<NegotiationPeer[]> {
  return Promise.all([TS_MLS, TS_MLS_NOBLE].map(mlsNegotiation))
}

function mlsSuite(name: string): Promise<CiphersuiteImpl> {
  const suite = getCiphersuiteFromName(MLS_SUITE)
  return name === TS_MLS ? getCiphersuiteImpl(suite) : getCiphersuiteImpl(suite, nobleCryptoProvider)
}

function mlsMember(name: string, suite: CiphersuiteImpl): Promise<KeyPackagePair> {
  const credential = { credentialType: 'basic' as const, identity: utf8(name) }
  return generateKeyPackage(credential, defaultCapabilities(), defaultLifetime, [], suite)
}

async function mls(name: string): Promise<MessagePeer> {
  const suite = await mlsSuite(name)
  const [alice, bob] = [await mlsMember('alice', suite), await mlsMember('bob', suite)]
  let groups: MlsGroups = await addMember(suite, alice, bob)
  return {
    name,
    async exchange(payload) {
      const sent = await mlsMessage(suite, groups, payload)
      groups = sent.groups
      return sent.bytes
    },
  }
}

async function mlsNegotiation(name: string): Promise<NegotiationPeer> {
  const suite = await mlsSuite(name)
  // Made beforehand, as a key in a directory is.
  const [alice, bob] = [await mlsMember('alice', suite), await mlsMember('bob', suite)]
  return {
    name,
    async negotiate(payload) {
      const added = await addMember(suite, alice, bob)
      return added.bytes + (await mlsMessage(suite, added, payload)).bytes
    },
  }
}

interface MlsGroups {
  readonly alice: Group
  readonly bob: Group
}

/** A group of one, and the second member: over the wire format, as two devices would. */
async function addMember(suite: CiphersuiteImpl, alice: KeyPackagePair, bob: KeyPackagePair) {
  const groupId = nodeBackend.randomBytes(GROUP_ID_BYTES)
  const alone = await createGroup(groupId, alice.publicPackage, alice.privatePackage, [], suite)
  const proposal = { proposalType: 'add' as const, add: { keyPackage: bob.publicPackage } }
  const { welcome, newState } = await createCommit(
    { state: alone, cipherSuite: suite },
    { extraProposals: [proposal], ratchetTreeExtension: true },
  )
  const wire = encodeMlsMessage({ welcome: welcome!, wireformat: 'mls_welcome', version: 'mls10' })
  const [message] = decodeMlsMessage(wire, 0)!
  if (message.wireformat !== 'mls_welcome') throw new Error('not a welcome')
  const joined = await joinGroup(message.welcome, bob.publicPackage, bob.privatePackage, emptyPskIndex, suite)
  return { alice: newState, bob: joined, bytes: wire.length }
}

async function mlsMessage(suite: CiphersuiteImpl, { alice, bob }: MlsGroups, payload: Uint8Array) {
  const { newState, privateMessage } = await createApplicationMessage(alice, payload, suite)
  const wire = encodeMlsMessage({ privateMessage, wireformat: 'mls_private_message', version: 'mls10' })
  const [message] = decodeMlsMessage(wire, 0)!
  if (message.wireformat !== 'mls_private_message') throw new Error('not a private message')
  const opened = await processPrivateMessage(bob, message.privateMessage, emptyPskIndex, suite)
  if (opened.kind !== 'applicationMessage') throw new Error('not an application message')
  return { groups: { alice: newState, bob: opened.newState }, bytes: wire.length }
}

async function openPgp(): Promise<MessagePeer> {
  const person = (name: string) =>
    openpgp.generateKey({ type: 'curve25519', userIDs: [{ name }], format: 'object' })
  const [alice, bob] = [await person('alice'), await person('bob')]
  return {
    name: OPENPGP,
    async exchange(payload) {
      const sealed = await openpgp.encrypt({
        message: await openpgp.createMessage({ binary: payload }),
        encryptionKeys: bob.publicKey,
        signingKeys: alice.privateKey,
        format: 'binary',
      })
      const { signatures } = await openpgp.decrypt({
        message: await openpgp.readMessage({ binaryMessage: sealed }),
        decryptionKeys: bob.privateKey,
        verificationKeys: alice.publicKey,
        expectSigned: true,
        format: 'binary',
      })
      await signatures[0]!.verified
      return sealed.length
    },
  }
}

async function virgil(): Promise<MessagePeer> {
  // It takes a Node that has fetch for a browser, and looks for its WebAssembly at a URL.
  const { fetch } = globalThis
  try {
    Reflect.deleteProperty(globalThis, 'fetch')
    await initCrypto()
  } finally {
    globalThis.fetch = fetch
  }
  const crypto = new VirgilCrypto()
  const [alice, bob] = [crypto.generateKeys(), crypto.generateKeys()]
  return {
    name: VIRGIL,
    exchange(payload) {
      const sealed = crypto.signThenEncrypt(payload, alice.privateKey, bob.publicKey)
      crypto.decryptThenVerify(sealed, bob.privateKey, alice.publicKey)
      return sealed.length
    },
  }
}
