//! Text of `--help` below the options: examples, exit status, and the effect of Ctrl-C.

pub(super) const PROGRAM: &str = "\
Getting started:
  dispatch doctor          check settings, database, mail server and machine
  dispatch migrate         create or update the tables
  dispatch create-admin    create the first administrator
  dispatch serve           run API, web application and engine in one process

Settings are read from the environment, then from `.env` in the working directory or above it; `.env.example` documents them.
Secrets can be read from files: APP_SECRET_FILE, DATABASE_URL_FILE, DATABASE_PASSWORD_FILE, SMTP_URL_FILE, REDIS_URL_FILE
and ADMIN_PASSWORD_FILE.

Exit status: 0 success; 1 failure, with the reason on stderr; 2 invalid command line; 130 interrupted by a second Ctrl-C.";

pub(super) const SERVE: &str = "\
Examples:
  dispatch serve
  BIND=0.0.0.0:8000 FRONTEND_DIR=frontend/dist dispatch serve
  dispatch serve --no-engine     with `dispatch engine` on this or other machines

Ctrl-C or SIGTERM: accepts no new requests, claims no new mails, finishes those in progress (at most 30 s) and exits with 0.
METRICS_BIND=127.0.0.1:9100 serves Prometheus metrics at /metrics.";

pub(super) const ENGINE: &str = "\
Examples:
  dispatch engine
  METRICS_BIND=0.0.0.0:9100 dispatch engine     /metrics, /healthz and /readyz on that port

Any number of engines may share a database: nothing is sent twice. JOURNAL_DIR must be on a local disk that outlives the
process; engines on the same machine may share it.
Ctrl-C or SIGTERM: finishes mails in flight, releases the others and exits with 0.";

pub(super) const MIGRATE: &str = "\
Examples:
  dispatch migrate
  dispatch migrate --check       before a deployment, or as a start condition

Each migration is one transaction: after Ctrl-C the applied ones remain, and the current one is rolled back. Concurrent
commands wait for each other. The previous release keeps working with the new tables.
Afterwards addresses and names stored by earlier releases are normalized.

Exit status: 0 up to date; 1 a migration failed or, with --check, migrations are pending.";

pub(super) const CREATE_ADMIN: &str = "\
Examples:
  dispatch create-admin
  ADMIN_EMAIL=root@example.org ADMIN_PASSWORD_FILE=/run/secrets/admin dispatch create-admin

An existing account is not changed; the command then exits with 1.";

pub(super) const SEED_DEMO: &str = "\
Examples:
  dispatch seed-demo
  dispatch seed-demo --force

Prints the random passwords of the two demo accounts; DEMO_PASSWORD sets a fixed one. Refused with APP_ENV=production, even
with --force.
One transaction: Ctrl-C leaves the database unchanged.";

pub(super) const SEND: &str = "\
Example:
  dispatch send 7

Can be used while a service is running: nothing is sent twice. Deferred mails are retried by the service, or by
`dispatch run-due`.
Ctrl-C or SIGTERM: finishes mails in flight, leaves the others pending and exits with 1. A second Ctrl-C exits immediately;
mails in flight are then recovered from the journal.";

pub(super) const RUN_DUE: &str = "\
Example, in a crontab without a running service:
  */5 * * * * dispatch run-due

Can be used while a service is running: nothing is sent twice. Ctrl-C or SIGTERM: as for `dispatch send`.";

pub(super) const OPENAPI: &str = "\
Example:
  dispatch openapi > openapi.json

Requires no settings and no database.";

pub(super) const DOCTOR: &str = "\
Examples:
  dispatch doctor
  dispatch doctor --json | jq '.checks[] | select(.state != \"ok\")'

Checks the database with its migrations, privileges, clock and time zones, Redis, the mail server up to MAIL FROM (no mail is
sent), keys, PUBLIC_URL, JOURNAL_DIR, FRONTEND_DIR and limits of the machine. A check that takes longer than 5 seconds fails.
Changes nothing permanently.

Exit status: 0 no check failed; 1 a check failed.";

pub(super) const HEALTHCHECK: &str = "\
Examples:
  dispatch healthcheck             asks the API at BIND for /readyz or, if nothing listens there, a
                                   `dispatch engine` at METRICS_BIND
  dispatch healthcheck --engine    asks the engine, even if an API runs on the same machine

Exit status: 0 ready; 1 not ready, or no answer within 3 seconds.";
