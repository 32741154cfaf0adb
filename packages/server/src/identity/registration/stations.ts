import { backend, type Jwk, jwkThumbprint, KeyhavenError, type VerifyKey } from '@keyhaven/crypto'
import { machineKeyIndex, type Profile } from '@keyhaven/identity'
import type { OperatorDirectory, StationDirectory } from '@keyhaven/identity/service'
import type { Actor } from '@keyhaven/keys'
import type { State } from '../../platform/state/state.ts'

const MACHINE_KEY_BITS = 2_048

export interface Centre {
  readonly id: string
  readonly name: string
  readonly createdAt: number
  readonly closedAt: number | null
}

export interface Machine {
  readonly centre: string
  readonly id: string
  /** SHA-256 of its public key, with colons, as the machine's own `readme.txt` says; or the JWK's thumbprint. */
  readonly keyIndex: string
  readonly createdAt: number
  readonly endedAt: number | null
}

export interface Officer {
  readonly officer: string
  readonly since: number
  readonly until: number | null
  readonly addedBy: string
}

/** Where, on what and by whom people are registered: what operators manage. */
export interface Stations extends StationDirectory, OperatorDirectory {
  listCentres(): Promise<readonly Centre[]>
  addCentre(centre: { id: string; name: string }, actor: Actor): Promise<Centre>
  /** No packet of its machines is taken any more. @throws KeyhavenError `NOT_FOUND` */
  closeCentre(id: string, actor: Actor): Promise<void>
  listMachines(): Promise<readonly Machine[]>
  /**
   * @param publicKey - profile `mosip`: SubjectPublicKeyInfo, DER, of an RSA key of 2048 bits; profile `keyhaven`: a
   *   public JWK, JSON in UTF-8, of EdDSA or PS256.
   * @throws KeyhavenError `NOT_FOUND` (centre), `CONFLICT`, `INPUT_INVALID`.
   */
  addMachine(machine: { centre: string; id: string; publicKey: Uint8Array }, actor: Actor): Promise<Machine>
  endMachine(centre: string, id: string, actor: Actor): Promise<void>
  listOfficers(): Promise<readonly Officer[]>
  /** @throws KeyhavenError `CONFLICT` if the officer is one already. */
  addOfficer(officer: string, actor: Actor): Promise<Officer>
  endOfficer(officer: string, actor: Actor): Promise<void>
}

export function createStations(state: State, applicationId: string, profile: Profile): Stations {
  const own = { application_id: applicationId }
  /** @throws KeyhavenError `PACKET_INVALID` for a key of the other profile, or in a form of an older version. */
  const storedKey = async (stored: Uint8Array) => {
    try {
      if (profile === 'mosip') return { publicKey: await backend.rsa.importPublicKey(stored) }
      return { verifyKey: await verifyKeyOf(stored) }
    } catch (cause) {
      const check = 'machine: its key is kept in another form: end it, and register it under another id'
      throw new KeyhavenError('PACKET_INVALID', check, { cause })
    }
  }
  const entry = (action: string, actor: Actor, subject: string) => ({ action, actor, subject, applicationId })

  return {
    async find(refId) {
      const [centre = '', id = ''] = refId.split('_')
      const row = await state.db
        .selectFrom('identity_machines as m')
        .innerJoin('identity_centres as c', (join) =>
          join.onRef('c.application_id', '=', 'm.application_id').onRef('c.id', '=', 'm.centre'),
        )
        .select(['m.public_key', 'm.created_at', 'm.ended_at', 'c.closed_at'])
        .where('m.application_id', '=', applicationId)
        .where('m.centre', '=', centre)
        .where('m.id', '=', id)
        .executeTakeFirst()
      if (row === undefined) return undefined
      const ends = [row.ended_at, row.closed_at].filter((at) => at !== null)
      return {
        ...(await storedKey(row.public_key)),
        since: row.created_at,
        until: ends.length === 0 ? null : Math.min(...ends),
      }
    },

    async isOfficer(officer, at) {
      const row = await state.db
        .selectFrom('identity_officers')
        .select('officer')
        .where('application_id', '=', applicationId)
        .where('officer', '=', officer)
        .where('since', '<=', at)
        .where((where) => where.or([where('until', 'is', null), where('until', '>', at)]))
        .executeTakeFirst()
      return row !== undefined
    },

    async listCentres() {
      const rows = await state.db
        .selectFrom('identity_centres')
        .selectAll()
        .where('application_id', '=', applicationId)
        .orderBy('id')
        .execute()
      return rows.map(({ id, name, created_at, closed_at }) => ({
        ...{ id, name, createdAt: created_at, closedAt: closed_at },
      }))
    },

    addCentre: ({ id, name }, actor) =>
      state.transaction(async (transaction) => {
        const { db, now } = transaction
        const { numInsertedOrUpdatedRows } = await db
          .insertInto('identity_centres')
          .values({ ...own, id, name, created_at: now, closed_at: null })
          .onConflict((conflict) => conflict.doNothing())
          .executeTakeFirst()
        if (numInsertedOrUpdatedRows !== 1n) throw taken('centre')
        state.audit.append(transaction, entry('identity.centre.add', actor, id))
        return { id, name, createdAt: now, closedAt: null }
      }),

    closeCentre: (id, actor) =>
      state.transaction(async (transaction) => {
        const { db, now } = transaction
        const { numUpdatedRows } = await db
          .updateTable('identity_centres')
          .set({ closed_at: now })
          .where((where) => where.and({ ...own, id }))
          .where('closed_at', 'is', null)
          .executeTakeFirst()
        if (numUpdatedRows !== 1n) throw unknown('open centre')
        state.audit.append(transaction, entry('identity.centre.close', actor, id))
      }),

    async listMachines() {
      const rows = await state.db
        .selectFrom('identity_machines')
        .select(['centre', 'id', 'key_index', 'created_at', 'ended_at'])
        .where('application_id', '=', applicationId)
        .orderBy('centre')
        .orderBy('id')
        .execute()
      return rows.map(({ centre, id, key_index, created_at, ended_at }) => ({
        ...{ centre, id, keyIndex: key_index, createdAt: created_at, endedAt: ended_at },
      }))
    },

    async addMachine({ centre, id, publicKey }, actor) {
      const { keyIndex, stored } = await (profile === 'mosip' ? rsaKey(publicKey) : jwkKey(publicKey))
      return state.transaction(async (transaction) => {
        const { db, now } = transaction
        const open = await db
          .selectFrom('identity_centres')
          .select('id')
          .where((where) => where.and({ ...own, id: centre }))
          .where('closed_at', 'is', null)
          .executeTakeFirst()
        if (open === undefined) throw unknown('open centre')
        const { numInsertedOrUpdatedRows } = await db
          .insertInto('identity_machines')
          .values({
            ...{ ...own, centre, id, public_key: stored, key_index: keyIndex },
            ...{ created_at: now, ended_at: null },
          })
          .onConflict((conflict) => conflict.doNothing())
          .executeTakeFirst()
        if (numInsertedOrUpdatedRows !== 1n) throw taken('machine')
        const added = entry('identity.machine.add', actor, `${centre}_${id}`)
        state.audit.append(transaction, { ...added, detail: { keyIndex } })
        return { centre, id, keyIndex, createdAt: now, endedAt: null }
      })
    },

    endMachine: (centre, id, actor) =>
      state.transaction(async (transaction) => {
        const { db, now } = transaction
        const { numUpdatedRows } = await db
          .updateTable('identity_machines')
          .set({ ended_at: now })
          .where((where) => where.and({ ...own, centre, id }))
          .where('ended_at', 'is', null)
          .executeTakeFirst()
        if (numUpdatedRows !== 1n) throw unknown('active machine')
        state.audit.append(transaction, entry('identity.machine.end', actor, `${centre}_${id}`))
      }),

    async listOfficers() {
      const rows = await state.db
        .selectFrom('identity_officers')
        .select(['officer', 'since', 'until', 'added_by'])
        .where('application_id', '=', applicationId)
        .orderBy('officer')
        .orderBy('since')
        .execute()
      return rows.map(({ added_by, ...row }) => ({ ...row, addedBy: added_by }))
    },

    addOfficer: (officer, actor) =>
      state.transaction(async (transaction) => {
        const { db, now } = transaction
        const present = await db
          .selectFrom('identity_officers')
          .select('since')
          .where((where) => where.and({ ...own, officer }))
          .where((where) => where.or([where('until', 'is', null), where('since', '=', now)]))
          .executeTakeFirst()
        if (present !== undefined) throw taken('officer')
        await db
          .insertInto('identity_officers')
          .values({ ...own, officer, since: now, until: null, added_by: actor })
          .execute()
        state.audit.append(transaction, entry('identity.officer.add', actor, officer))
        return { officer, since: now, until: null, addedBy: actor }
      }),

    endOfficer: (officer, actor) =>
      state.transaction(async (transaction) => {
        const { db, now } = transaction
        const { numUpdatedRows } = await db
          .updateTable('identity_officers')
          .set({ until: now })
          .where((where) => where.and({ ...own, officer }))
          .where('until', 'is', null)
          .executeTakeFirst()
        if (numUpdatedRows !== 1n) throw unknown('officer')
        state.audit.append(transaction, entry('identity.officer.end', actor, officer))
      }),
  }
}

interface MachineKeyRow {
  readonly keyIndex: string
  readonly stored: Uint8Array
}

async function rsaKey(spki: Uint8Array): Promise<MachineKeyRow> {
  const key = await Promise.resolve(backend.rsa.importPublicKey(spki)).catch((cause: unknown) => {
    throw new KeyhavenError('INPUT_INVALID', 'publicKey: SubjectPublicKeyInfo of an RSA key', { cause })
  })
  if (key.modulusBits !== MACHINE_KEY_BITS) {
    throw new KeyhavenError('INPUT_INVALID', `publicKey: an RSA key of ${MACHINE_KEY_BITS} bits`)
  }
  return { keyIndex: await machineKeyIndex(spki), stored: spki }
}

/** Only the public members are kept, whatever was sent. */
async function jwkKey(json: Uint8Array): Promise<MachineKeyRow> {
  try {
    const { jwk } = await verifyKeyOf(json)
    const keyIndex = await jwkThumbprint(backend, jwk)
    return { keyIndex, stored: Buffer.from(JSON.stringify(jwk)) }
  } catch (cause) {
    throw new KeyhavenError('INPUT_INVALID', 'publicKey: a public JWK of EdDSA or PS256', { cause })
  }
}

async function verifyKeyOf(json: Uint8Array): Promise<VerifyKey> {
  const jwk = JSON.parse(Buffer.from(json).toString()) as Jwk
  return backend.signatures.importVerifyKey(jwk.kty === 'RSA' ? 'PS256' : 'EdDSA', jwk)
}

function taken(what: string): KeyhavenError {
  return new KeyhavenError('CONFLICT', `there is such a ${what} already`)
}

function unknown(what: string): KeyhavenError {
  return new KeyhavenError('NOT_FOUND', `there is no such ${what}`)
}
