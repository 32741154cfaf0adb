export const NS_CLIENT = 'jabber:client'
/** Our packet of a conversation. */
export const NS_ENCRYPTED = 'jabber:encrypted'
/** An envelope of `@keyhaven/messaging`. */
export const NS_ENVELOPE = 'urn:keyhaven:message:1'
/** XEP-0380, explicit message encryption. */
export const NS_EME = 'urn:xmpp:eme:0'
/** XEP-0334, message processing hints. */
export const NS_HINTS = 'urn:xmpp:hints'
/** XEP-0359, unique stanza ids. */
export const NS_STANZA_ID = 'urn:xmpp:sid:0'
/** XEP-0203, delayed delivery. */
export const NS_DELAY = 'urn:xmpp:delay'
/** XEP-0297, stanza forwarding. */
export const NS_FORWARD = 'urn:xmpp:forward:0'
/** XEP-0280, message carbons. */
export const NS_CARBONS = 'urn:xmpp:carbons:2'
/** XEP-0313, message archive management. */
export const NS_MAM = 'urn:xmpp:mam:2'
/** XEP-0059, result set management. */
export const NS_RSM = 'http://jabber.org/protocol/rsm'
/** XEP-0004, data forms. */
export const NS_DATA = 'jabber:x:data'
/** XEP-0045, multi-user chat. */
export const NS_MUC = 'http://jabber.org/protocol/muc'
export const NS_MUC_USER = 'http://jabber.org/protocol/muc#user'
/** RFC 6120 §8.3.3. */
export const NS_STANZA_ERROR = 'urn:ietf:params:xml:ns:xmpp-stanzas'
