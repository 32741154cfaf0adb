import { Redirect, Route, Switch } from 'wouter'
import { ApplicationPage } from './applications/application-page.tsx'
import { ApplicationsPage } from './applications/applications-page.tsx'
import { AuditPage } from './audit/audit-page.tsx'
import { ConversationPage } from './conversations/conversation-page.tsx'
import { ConversationsPage } from './conversations/conversations-page.tsx'
import { DirectoryPage } from './directory/directory-page.tsx'
import { UserPage } from './directory/user-page.tsx'
import { LazyIdentityPages } from './identity/lazy-identity-pages.tsx'
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
      <Route path="/applications/:id/directory/users/:username">
        {({ id, username }) => <UserPage key={`${id} ${username}`} applicationId={id} segment={username} />}
      </Route>
      <Route path="/applications/:id/directory/:part?">
        {({ id, part }) => <DirectoryPage key={id} applicationId={id} part={part ?? 'users'} />}
      </Route>
      <Route path="/applications/:id/conversations">
        {({ id }) => <ConversationsPage key={id} applicationId={id} />}
      </Route>
      <Route path="/applications/:id/conversations/:conversation/:part?">
        {({ id, conversation, part }) => (
          <ConversationPage
            key={`${id} ${conversation}`}
            applicationId={id}
            id={conversation}
            part={part ?? 'members'}
          />
        )}
      </Route>
      <Route path="/applications/:id/:tab?">
        {({ id, tab }) => <ApplicationPage key={id} id={id} tab={tab ?? 'keys'} />}
      </Route>
      <Route path="/identity/*?">
        <LazyIdentityPages />
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
