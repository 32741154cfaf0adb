import type { Page } from 'playwright-core'

/** A page of the dashboard, or what lies on top of it. */
export interface Screen {
  readonly name: string
  /** With `MANAGED` or `SEALED` for the id of a conversation, `REJECTED` for that of a registration. */
  readonly route: string
  /** The page's first heading, or how it begins. */
  readonly heading: string
  /** What only this page says, where the one before has the same heading. */
  readonly shows?: string
  /** Opens what lies on top of the page. */
  readonly open?: (page: Page) => Promise<void>
}

/** Presses the first button of this name. */
export const click = (name: string | RegExp) => (page: Page) =>
  page.getByRole('button', { name }).first().click()
