// Short names for the generated types, visible everywhere as `Api.Recipient`. Not a .d.ts: those are not checked, and a name that is gone would go unseen.
import type { components, paths } from './schema';

type Schemas = components['schemas'];

/** What an operation answers with 200. */
type Body<T extends { responses: { 200: { content: { 'application/json': unknown } } } }> =
  T['responses'][200]['content']['application/json'];

declare global {
  namespace Api {
    type Paths = paths;
    type Me = Schemas['Me'];
    type UpdateMe = Schemas['UpdateMe'];
    type SignedIn = Schemas['SignedIn'];
    type Role = Me['role'];
    type Session = Body<paths['/api/v1/me/sessions']['get']>['items'][number];
    type Token = Body<paths['/api/v1/me/tokens']['get']>['items'][number];
    type CreateToken = paths['/api/v1/me/tokens']['post']['requestBody']['content']['application/json'];
    type User = Body<paths['/api/v1/users/{id}']['get']>;
    type Invitation = Body<paths['/api/v1/invitations']['get']>['items'][number];
    type CreateInvitation = paths['/api/v1/invitations']['post']['requestBody']['content']['application/json'];
    type Quotas = Body<paths['/api/v1/users/{id}/quotas']['get']>;
    type SetQuotas = paths['/api/v1/users/{id}/quotas']['put']['requestBody']['content']['application/json'];
    type Site = Schemas['Site'];
    type Event = Body<paths['/api/v1/events']['get']>['items'][number];
    type EventKind = Event['kind'];
    type FieldError = Schemas['FieldError'];
    type Recipient = Schemas['Recipient'];
    type Owner = Recipient['owner'];
    type Message = Schemas['Message'];
    type MessageSummary = Schemas['MessageSummary'];
    type Rendered = Schemas['Preview'];
    type Mailing = Schemas['Mailing'];
    type CreateMailing = Schemas['CreateMailing'];
    type PreviewOccurrences = Schemas['PreviewOccurrences'];
    type RecipientChoice = Schemas['RecipientChoice'];
    type Recurrence = Mailing['recurrence'];
    type MailingStatus = Mailing['status'];
    type StateReason = Mailing['state_reason'];
    type OnUncertain = Mailing['on_uncertain'];
    type Occurrence = Schemas['Occurrence'];
    type Run = Schemas['Run'];
    type Counts = Schemas['Counts'];
    type Failures = Body<paths['/api/v1/runs/{id}/failures']['get']>;
    type Failure = Failures['items'][number];
    type Retry = paths['/api/v1/runs/{id}/retry']['post']['requestBody']['content']['application/json'];
    type Delivery = Schemas['Delivery'];
    type DeliveryStatus = Delivery['status'];
    type Attempt = Schemas['Attempt'];
    type Outcome = Attempt['outcome'];
    type Stats = Schemas['Stats'];
    type MailingStats = Schemas['MailingStats'];
    type MailingLine = Schemas['MailingLine'];
    type Day = Schemas['Day'];
    type Domain = Schemas['Domain'];
    type OutcomeCount = Schemas['OutcomeCount'];
    type Article = Schemas['Article'];
    type ArticleSummary = Schemas['ArticleSummary'];
    type CreateArticle = Schemas['CreateArticle'];
    type UpdateArticle = Schemas['UpdateArticle'];
    type Home = Schemas['Home'];
    type SmtpServer = Schemas['SmtpServer'];
    type SmtpSessionLimit = Schemas['SmtpSessionLimit'];
    type CreateSmtpServer = paths['/api/v1/smtp-servers']['post']['requestBody']['content']['application/json'];
    type UpdateSmtpServer = paths['/api/v1/smtp-servers/{id}']['patch']['requestBody']['content']['application/json'];
    type ServerTest = Body<paths['/api/v1/smtp-servers/{id}/test']['post']>;
    type Suppression = Body<paths['/api/v1/suppressions']['get']>['items'][number];
    type Unsubscribe = Body<paths['/api/v1/unsubscribe/{token}']['get']>;
    interface Page<T> {
      items: T[];
      total: number;
      page: number;
      per_page: number;
    }
    interface Keyed<T> {
      items: T[];
      next_cursor?: string | null;
    }
  }
}
