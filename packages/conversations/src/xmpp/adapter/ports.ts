/** What the adapter reads of a decrypted message of a conversation; the rest is passed on. */
export interface ReadConversationMessage {
  readonly from: { readonly username: string; readonly device: string }
}

/** Encrypts and decrypts messages of conversations: `me.conversations` of the SDK. */
export interface ConversationCipher<C, M extends ReadConversationMessage> {
  open(conversation: string): Promise<{
    encrypt(content: C): Promise<{ readonly keyId: string; readonly packet: string; readonly id: string }>
  }>
  /**
   * @param options - `from`: who sent it as far as the transport knows, left out if it does not; `archive`:
   * the message may have been read before.
   */
  decrypt(
    keyId: string,
    packet: string,
    options: { readonly from?: string; readonly archive?: boolean },
  ): Promise<M>
}

/** What the adapter reads of a decrypted envelope; the rest is passed on. */
export interface ReadEnvelope {
  readonly from: string
}

/** Encrypts and decrypts for people rather than conversations: `me.messages` of the SDK. */
export interface EnvelopeCipher<E extends ReadEnvelope> {
  encrypt(to: string, content: string | Uint8Array): Promise<{ readonly envelope: string }>
  decrypt(envelope: string): Promise<E>
  readAgain(envelope: string): Promise<E>
  answerRepair(request: string): Promise<{ readonly to: string; readonly envelope: string }>
}
