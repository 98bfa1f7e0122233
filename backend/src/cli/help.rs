//! What `--help` says beyond the commands and their options: examples, how they end, what Ctrl-C does.

pub(super) const PROGRAM: &str = "\
Begin with:
  dispatch doctor          is everything there and as it should be?
  dispatch migrate         make the tables, or bring them up to date
  dispatch create-admin    the first account that may give roles to others
  dispatch serve           the API, the web application and the engine in one process

Settings: the environment, then `.env` in the working directory or above it; `.env.example` explains all of them.
Secrets may come from files: APP_SECRET_FILE, DATABASE_URL_FILE, DATABASE_PASSWORD_FILE, SMTP_URL_FILE,
REDIS_URL_FILE and ADMIN_PASSWORD_FILE name them.

Exit status: 0 done; 1 not done, the reason is on stderr; 2 the command line is wrong; 130 ended by a second Ctrl-C.";

pub(super) const SERVE: &str = "\
Examples:
  dispatch serve
  BIND=0.0.0.0:8000 FRONTEND_DIR=frontend/dist dispatch serve
  dispatch serve --no-engine     beside it, on this or other machines: dispatch engine

Ctrl-C or SIGTERM: takes no new requests and no new mails, finishes those under way (30 s at most) and ends with 0.
METRICS_BIND=127.0.0.1:9100 shows Prometheus what it does, under /metrics.";

pub(super) const ENGINE: &str = "\
Examples:
  dispatch engine
  METRICS_BIND=0.0.0.0:9100 dispatch engine     /metrics, /healthz and /readyz on that port

Any number may run on one database: nothing is sent twice. JOURNAL_DIR must be on a disk of its own machine that outlives the
process; engines of one machine may share it.
Ctrl-C or SIGTERM: finishes the mails that are on their way, gives the rest back and ends with 0.";

pub(super) const MIGRATE: &str = "\
Examples:
  dispatch migrate
  dispatch migrate --check       before a deployment, or as a condition to start

Each migration is one transaction. Ctrl-C leaves those that were applied, and nothing of the one under way. Two that start
together do not meet: the second waits. The program of the version before works on with the new tables.
Afterwards addresses and names that earlier versions stored are brought into the form that is compared now.

Exit status: 0 up to date; 1 a migration failed, or with --check: some are pending.";

pub(super) const CREATE_ADMIN: &str = "\
Examples:
  dispatch create-admin
  ADMIN_EMAIL=root@example.org ADMIN_PASSWORD_FILE=/run/secrets/admin dispatch create-admin

An address that is registered already stays as it is, and the command ends with 1.";

pub(super) const SEED_DEMO: &str = "\
Examples:
  dispatch seed-demo
  dispatch seed-demo --force

Prints the random passwords of its two accounts, once; DEMO_PASSWORD sets one of your own. Refused with APP_ENV=production,
also with --force.
All or nothing: Ctrl-C leaves the database as it was.";

pub(super) const SEND: &str = "\
Example:
  dispatch send 7

Works beside a running service: nothing is sent twice. What the mail server puts off is left to the service, or to later
runs of `dispatch run-due`.
Ctrl-C or SIGTERM: finishes the mails that are on their way, leaves the rest to others and ends with 1; a second Ctrl-C ends
it at once, and what it was doing is taken up from its journal.";

pub(super) const RUN_DUE: &str = "\
Example, in a crontab, where no service runs:
  */5 * * * * dispatch run-due

Works beside a running service: nothing is sent twice. Ctrl-C or SIGTERM: as for `dispatch send`.";

pub(super) const OPENAPI: &str = "\
Example:
  dispatch openapi > openapi.json

Needs no settings and no database.";

pub(super) const DOCTOR: &str = "\
Examples:
  dispatch doctor
  dispatch doctor --json | jq '.checks[] | select(.state != \"ok\")'

Looks at the database, its migrations, rights, clock and time zones, at Redis, at the mail server as far as MAIL FROM (no mail
is sent), at the keys, PUBLIC_URL, JOURNAL_DIR, FRONTEND_DIR and the machine's limits. Each answers within 5 seconds or counts
as failed. Changes nothing that stays.

Exit status: 0 nothing FAILs; 1 something does.";

pub(super) const HEALTHCHECK: &str = "\
Examples:
  dispatch healthcheck             asks /readyz where the API listens (BIND), or where nobody does, where a
                                   `dispatch engine` shows its metrics (METRICS_BIND)
  dispatch healthcheck --engine    asks the engine, also where an API listens on the same machine

Exit status: 0 ready; 1 not ready, or nobody answers within 3 seconds.";
