// Short names for the generated types, visible everywhere as `Api.Recipient`. Not a .d.ts: those are not checked, and a name that is gone would go unseen.
import type { components, paths } from './schema';

type Schemas = components['schemas'];

declare global {
  namespace Api {
    type Paths = paths;
    type Me = Schemas['Me'];
    type UpdateMe = Schemas['UpdateMe'];
    type Session = Schemas['SignedIn'];
    type FieldError = Schemas['FieldError'];
    type Recipient = Schemas['Recipient'];
    type Message = Schemas['Message'];
    type MessageSummary = Schemas['MessageSummary'];
    type Rendered = Schemas['Preview'];
    type Mailing = Schemas['Mailing'];
    type CreateMailing = Schemas['CreateMailing'];
    type RecipientChoice = Schemas['RecipientChoice'];
    type Recurrence = Mailing['recurrence'];
    type MailingStatus = Mailing['status'];
    type Occurrence = Schemas['Occurrence'];
    type Run = Schemas['Run'];
    type Counts = Schemas['Counts'];
    type Delivery = Schemas['Delivery'];
    type DeliveryStatus = Delivery['status'];
    type Attempt = Schemas['Attempt'];
    type Outcome = Attempt['outcome'];
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
