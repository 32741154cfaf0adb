import type { Kysely, Transaction } from 'kysely'
import type { ApplicationTables } from '../../applications/tables.ts'
import type { ChannelTables } from '../../channel/tables.ts'
import type { ConversationTables } from '../../conversations/tables.ts'
import type { DirectoryTables } from '../../directory/tables.ts'
import type { FileTables } from '../../files/tables.ts'
import type { BackfillTables } from '../../identity/backfill/tables.ts'
import type { CredentialTables } from '../../identity/credentials/tables.ts'
import type { IdentityShareTables } from '../../identity/datashare/tables.ts'
import type { IdentityEventTables } from '../../identity/events/tables.ts'
import type { IdaTables } from '../../identity/ida/tables.ts'
import type { IdentityKeyTables } from '../../identity/keys/tables.ts'
import type { OprfTables } from '../../identity/oprf/tables.ts'
import type { IdentityPartnerTables } from '../../identity/partners/tables.ts'
import type { RegistrationTables } from '../../identity/registration/tables.ts'
import type { RepositoryTables } from '../../identity/repository/tables.ts'
import type { VaultTables } from '../../identity/vault/tables.ts'
import type { KeyTables } from '../../keys/tables.ts'
import type { MessagingTables } from '../../messaging/tables.ts'
import type { AuthTables } from '../auth/tables.ts'
import type { JobTables } from '../jobs/tables.ts'
import type { PlatformTables } from './tables.ts'

/**
 * All tables. Each feature declares its own in its `tables.ts` and adds them here.
 * Columns are text, bigint (a JavaScript number) and bytea only, so that both engines and a backup agree.
 */
export interface Database
  extends PlatformTables,
    ApplicationTables,
    KeyTables,
    ChannelTables,
    AuthTables,
    DirectoryTables,
    MessagingTables,
    ConversationTables,
    FileTables,
    IdaTables,
    IdentityEventTables,
    IdentityKeyTables,
    IdentityPartnerTables,
    IdentityShareTables,
    JobTables,
    RegistrationTables,
    RepositoryTables,
    VaultTables,
    OprfTables,
    CredentialTables,
    BackfillTables {}

export type Db = Kysely<Database>
export type DbTransaction = Transaction<Database>
export type Dialect = 'sqlite' | 'postgres'
