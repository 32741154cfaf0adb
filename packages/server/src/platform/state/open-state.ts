import type { Config } from '../config/config.ts'
import type { OpenStateOptions, State } from './state.ts'

/** Opens the database, the master keyring and the anchor. Being built: types first. */
export declare function openState(config: Config, options?: OpenStateOptions): Promise<State>
