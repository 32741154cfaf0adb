import { backend } from '@keyhaven/crypto'
import {
  addCosignatures,
  consistencyProof,
  formatAddCheckpoint,
  parseCheckpoint,
  parseNote,
  parseVerifierKey,
  TLOG_SIZE_TYPE,
} from '@keyhaven/directory/log'
import { storedNodes } from '../../platform/anchor/check-logs.ts'
import type { WitnessConfig } from '../../platform/config/config.ts'
import type { Db } from '../../platform/database/schema.ts'
import type { WitnessReports } from './witness-reports.ts'

const ANSWER_TIMEOUT_MS = 5_000
/** No cosignature is longer. */
const MAX_ANSWER_CHARACTERS = 4_096
/** After a failure a witness is not asked about that log for so long; twice as long after each further one. */
const FIRST_PAUSE_MS = 1_000
const MAX_PAUSE_MS = 60_000
const STATUS_OK = 200
const STATUS_CONFLICT = 409
/** One more after the witness has said what it cosigned last. */
const MAX_ATTEMPTS = 2

/** Asks the witnesses to cosign, in the background: an append never waits for one (C2SP tlog-witness). */
export interface WitnessPusher {
  /** There is a new checkpoint: the newest is sent once whatever is under way has ended. */
  push(applicationId: string): void
  /** Ends when every witness has answered what was pushed, failed, or the time is over. */
  settled(applicationId: string, milliseconds: number): Promise<void>
  close(): Promise<void>
}

export interface WitnessPusherOptions {
  readonly db: Db
  readonly witnesses: readonly WitnessConfig[]
  readonly clock: () => number
  readonly reports: WitnessReports
  readonly fetch?: typeof fetch
}

/** The key name of a verifier key. */
export function witnessName({ verifierKey }: Pick<WitnessConfig, 'verifierKey'>): string {
  return verifierKey.slice(0, verifierKey.indexOf('+'))
}

export function createWitnessPusher(options: WitnessPusherOptions): WitnessPusher {
  const { db, witnesses, clock, reports } = options
  const send = options.fetch ?? fetch
  const stopping = new AbortController()
  const running = new Map<string, Promise<void>>()
  const again = new Set<string>()
  /** Applications and witnesses that are waiting for the end of a pause. */
  const later = new Set<string>()
  /** By application and witness: one that does not know a log yet still cosigns the others at once. */
  const pauses = new Map<string, { until: number; ms: number }>()

  async function pushTo(applicationId: string, witness: WitnessConfig): Promise<void> {
    const key = await parseVerifierKey(backend, witness.verifierKey)
    const head = await db
      .selectFrom('log_heads')
      .select('checkpoint')
      .where('application_id', '=', applicationId)
      .executeTakeFirst()
    if (head === undefined || head.checkpoint === '') return
    const { size, root } = parseCheckpoint(parseNote(head.checkpoint).text)
    const last = await db
      .selectFrom('log_cosignatures')
      .select('size')
      .where('application_id', '=', applicationId)
      .where('witness', '=', key.name)
      .executeTakeFirst()
    let oldSize = Math.min(last?.size ?? 0, size)
    for (let attempt = 1; ; attempt++) {
      const answer = await send(`${witness.url}/add-checkpoint`, {
        method: 'POST',
        redirect: 'error',
        headers: { 'content-type': 'text/plain; charset=utf-8' },
        body: formatAddCheckpoint({
          oldSize,
          proof: await consistencyProof(backend, storedNodes(db, applicationId), oldSize, size),
          note: head.checkpoint,
        }),
        signal: AbortSignal.any([stopping.signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]),
      })
      const body = await readText(answer)
      if (answer.status === STATUS_OK) {
        // Refuses a cosignature that is not this witness's of this checkpoint.
        await addCosignatures(backend, head.checkpoint, body, [key])
        const lines = body.split(/(?<=\n)/).filter((line) => line.startsWith(`— ${key.name} `))
        const cosignature = lines[0]
        if (cosignature === undefined)
          throw new Error(`witness ${key.name} answered no cosignature of its own`)
        await store(applicationId, key.name, { size, root, cosignature })
        return
      }
      const type = answer.headers.get('content-type') ?? ''
      const knows = /^(0|[1-9]\d{0,15})\n$/.exec(body)?.[1]
      if (answer.status !== STATUS_CONFLICT || !type.startsWith(TLOG_SIZE_TYPE) || knows === undefined) {
        throw new Error(`witness ${key.name} answered ${answer.status}`)
      }
      // Another process may have pushed a newer one meanwhile: its own push stores that.
      if (Number(knows) > size || attempt === MAX_ATTEMPTS) return
      oldSize = Number(knows)
    }
  }

  /** The newest size counts; of one size the newest time. */
  async function store(
    applicationId: string,
    witness: string,
    cosigned: { size: number; root: Uint8Array; cosignature: string },
  ): Promise<void> {
    const row = { ...cosigned, cosigned_at: clock() }
    await db
      .insertInto('log_cosignatures')
      .values({ application_id: applicationId, witness, ...row })
      .onConflict((conflict) =>
        conflict
          .columns(['application_id', 'witness'])
          .doUpdateSet(row)
          .where('log_cosignatures.size', '<=', cosigned.size),
      )
      .execute()
  }

  async function tryPush(applicationId: string, witness: WitnessConfig): Promise<void> {
    const name = nameOf(applicationId, witness)
    const pause = pauses.get(name)
    const rest = (pause?.until ?? 0) - performance.now()
    if (rest > 0) return pushLater(applicationId, witness, rest)
    try {
      await pushTo(applicationId, witness)
      if (pauses.delete(name)) reports.recovered({ applicationId, witness: witnessName(witness) })
    } catch (error) {
      if (stopping.signal.aborted) return
      const ms = Math.min((pause?.ms ?? FIRST_PAUSE_MS / 2) * 2, MAX_PAUSE_MS)
      pauses.set(name, { until: performance.now() + ms, ms })
      pushLater(applicationId, witness, ms)
      reports.failed({ applicationId, witness: witnessName(witness) }, error, pause === undefined)
    }
  }

  /** When a pause is over; a timer that fires a moment early finds that there is a rest to wait. */
  function pushLater(applicationId: string, witness: WitnessConfig, milliseconds: number): void {
    const name = nameOf(applicationId, witness)
    if (later.has(name)) return
    later.add(name)
    const pushAgain = () => {
      later.delete(name)
      pushOne(applicationId, witness)
    }
    setTimeout(pushAgain, Math.ceil(milliseconds)).unref()
  }

  /** One witness that is slow holds up no other. */
  function pushOne(applicationId: string, witness: WitnessConfig): void {
    if (stopping.signal.aborted) return
    const name = nameOf(applicationId, witness)
    if (running.has(name)) {
      again.add(name)
      return
    }
    const work = tryPush(applicationId, witness).then(() => {
      running.delete(name)
      if (again.delete(name)) pushOne(applicationId, witness)
    })
    running.set(name, work)
  }

  return {
    push(applicationId) {
      for (const witness of witnesses) pushOne(applicationId, witness)
    },
    async settled(applicationId, milliseconds) {
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, milliseconds).unref()
      })
      const rounds = Promise.all(
        witnesses.map(async (witness) => {
          const name = nameOf(applicationId, witness)
          for (let work = running.get(name); work !== undefined; work = running.get(name)) await work
        }),
      )
      await Promise.race([rounds, late])
      clearTimeout(timer)
    },
    async close() {
      stopping.abort()
      await Promise.allSettled(running.values())
    },
  }
}

function nameOf(applicationId: string, { url }: WitnessConfig): string {
  return `${applicationId} ${url}`
}

async function readText(answer: Response): Promise<string> {
  let text = ''
  const decoder = new TextDecoder()
  for await (const piece of answer.body ?? []) {
    text += decoder.decode(piece, { stream: true })
    if (text.length > MAX_ANSWER_CHARACTERS) throw new Error('the answer of a witness is too long')
  }
  return text
}
