import { Paper } from '@mantine/core'
import { Redirect, Route, Switch } from 'wouter'
import { Empty } from '../parts/empty.tsx'
import { PageHeader } from '../parts/page-header.tsx'
import { NotFoundPage } from '../shell/not-found-page.tsx'
import type { IdentityAccess } from './identity-access.ts'
import { IdentityPage } from './identity-page.tsx'
import { IDENTITY_PATH, type IdentityPart, identityPartPath } from './identity-path.ts'
import { PartnerPage } from './partner-page.tsx'
import { PolicyPage } from './policy-page.tsx'
import { RegistrationPage } from './registration-page.tsx'

/** Which page of the identity capability an address shows. Loaded when one of them is looked at. */
export function IdentityPages({ access }: { readonly access: IdentityAccess | undefined }) {
  if (access === undefined) return <NoIdentity />
  const { identity, parts } = access
  const { applicationId } = identity
  const may = (part: IdentityPart) => parts.includes(part)
  return (
    <Switch>
      <Route path={IDENTITY_PATH}>
        <Redirect to={identityPartPath(parts[0]!)} replace />
      </Route>
      {may('registrations') && (
        <Route path="/identity/registrations/:rid">
          {({ rid }) => <RegistrationPage key={rid} applicationId={applicationId} rid={rid} />}
        </Route>
      )}
      {may('partners') && (
        <Route path="/identity/partners/:partner">
          {({ partner }) => <PartnerPage key={partner} applicationId={applicationId} id={partner} />}
        </Route>
      )}
      {may('policies') && (
        <Route path="/identity/policies/:policy">
          {({ policy }) => <PolicyPage key={policy} applicationId={applicationId} id={policy} />}
        </Route>
      )}
      <Route path="/identity/:part">{({ part }) => <IdentityPage {...access} part={part} />}</Route>
      <Route>
        <NotFoundPage />
      </Route>
    </Switch>
  )
}

function NoIdentity() {
  return (
    <>
      <PageHeader title="Identity" />
      <Paper>
        <Empty icon="person" title="Nothing of it is here for you">
          Either this server has no identity capability, which KEYHAVEN_IDENTITY_LISTEN turns on, or your
          roles see nothing of it: ask an admin for the role partner-manager, registration-officer or auditor.
        </Empty>
      </Paper>
    </>
  )
}
