import { Redirect, Route, Switch } from 'wouter'
import { ApplicationPage } from './applications/application-page.tsx'
import { ApplicationsPage } from './applications/applications-page.tsx'
import { AuditPage } from './audit/audit-page.tsx'
import { NotFoundPage } from './shell/not-found-page.tsx'
import { TokensPage } from './tokens/tokens-page.tsx'

/** Which page an address shows. */
export function Pages() {
  return (
    <Switch>
      <Route path="/">
        <Redirect to="/applications" replace />
      </Route>
      <Route path="/applications">
        <ApplicationsPage />
      </Route>
      <Route path="/applications/:id/:tab?">
        {({ id, tab }) => <ApplicationPage key={id} id={id} tab={tab ?? 'keys'} />}
      </Route>
      <Route path="/audit">
        <AuditPage />
      </Route>
      <Route path="/tokens">
        <TokensPage />
      </Route>
      <Route>
        <NotFoundPage />
      </Route>
    </Switch>
  )
}
