// @ts-check
// A database with one mailing that is due, made directly in SQL.

const HTML = `<!doctype html>
<html><head><meta charset="utf-8"><title>Autumn catalogue</title></head>
<body style="font-family: sans-serif; color: #222">
<h1>Good morning, {{ full_name }}!</h1>
${'<p>Our autumn catalogue is here: two hundred new pages of books, maps and instruments for the long evenings.</p>\n'.repeat(9)}
<p>This mail was sent to {{ email }}. <a href="https://shop.example.org/catalogue">Read the catalogue</a></p>
</body></html>`;

const TEXT = `Good morning, {{ full_name }}!

${'Our autumn catalogue is here: two hundred new pages of books and maps.\n'.repeat(7)}
This mail was sent to {{ email }}.
https://shop.example.org/catalogue
`;

const OWNER = `
  INSERT INTO users (email, full_name, password_hash, confirmed_at, created_at, updated_at)
  VALUES ('bench@example.org', 'Bench', '-', now(), now(), now()) RETURNING id`;
const RECIPIENTS = `
  INSERT INTO recipients (owner_id, email, full_name, created_at, updated_at)
  SELECT $1, 'reader' || n || '@example.org',
         (ARRAY['Anna','Boris','Вера','Gleb','Дарья','Egor','Jeanne','Zakhar','Irène','Kirill'])[1 + n % 10] || ' No. ' || n,
         now(), now()
  FROM generate_series(1, $2::int) n`;
const MESSAGE = `
  INSERT INTO messages (owner_id, subject, html, text, created_at, updated_at)
  VALUES ($1, 'The autumn catalogue for {{ full_name }}', $2, $3, now(), now()) RETURNING id`;
const MAILING = `
  INSERT INTO mailings (owner_id, message_id, starts_at, recurrence, time_zone,
                        schedule_set_at, next_occurrence, next_run_at, created_at, updated_at)
  VALUES ($1, $2, now(), 'once', 'UTC', now(), 0, now(), now(), now()) RETURNING id`;
const CHOSEN = `
  INSERT INTO mailing_recipients (mailing_id, recipient_id)
  SELECT $1, id FROM recipients WHERE owner_id = $2`;

const OWNERS = `
  INSERT INTO users (email, full_name, password_hash, confirmed_at, created_at, updated_at)
  SELECT 'owner' || n || '@example.org', 'Owner', '-', now(), now(), now() FROM generate_series(1, $1::int) n
  RETURNING id`;
const MAILINGS_DUE = `
  INSERT INTO mailings (owner_id, message_id, starts_at, recurrence, time_zone,
                        schedule_set_at, next_occurrence, next_run_at, created_at, updated_at)
  SELECT $1, $2, $3, 'once', 'UTC', now(), 0, $3, now(), now() FROM generate_series(1, $4::int)`;
const CHOSEN_FOR_ALL = `
  INSERT INTO mailing_recipients (mailing_id, recipient_id)
  SELECT mailings.id, recipients.id FROM mailings JOIN recipients USING (owner_id) WHERE owner_id = $1`;

/**
 * Mailings that are all due at the same time, and one of another owner to one recipient.
 * @param {import('pg').Client} database
 * @param {number} ahead  seconds until they are due
 * @param {{ mailings: number, owners: number, recipients: number }} many  recipients of each
 * @returns {Promise<{ due: Date, other: string }>} when they are due, and the other owner
 */
export async function createMailingsDueAt(database, ahead, { mailings, owners, recipients }) {
  const { rows } = await database.query(OWNERS, [owners + 1]);
  const ids = rows.map(({ id }) => String(id));
  const other = ids.at(-1) ?? '';
  /** @type {{ id: string, message: string }[]} */ const prepared = [];
  for (const id of ids) {
    await addRecipients(database, id, id === other ? 1 : recipients);
    prepared.push({ id, message: await created(database, MESSAGE, [id, HTML, TEXT]) });
  }
  const now = await database.query('SELECT now() + make_interval(secs => $1) AS due', [ahead]);
  const { due } = now.rows[0];
  for (const { id, message } of prepared) {
    await database.query(MAILINGS_DUE, [id, message, due, id === other ? 1 : mailings / owners]);
    await database.query(CHOSEN_FOR_ALL, [id]);
  }
  await database.query('VACUUM ANALYZE');
  return { due, other };
}

/**
 * @param {import('pg').Client} database
 * @param {number} recipients
 */
export async function createDueMailing(database, recipients) {
  const owner = await created(database, OWNER, []);
  await addRecipients(database, owner, recipients);
  const message = await created(database, MESSAGE, [owner, HTML, TEXT]);
  const mailing = await created(database, MAILING, [owner, message]);
  await database.query(CHOSEN, [mailing, owner]);
  // What the server would do by itself about so many new rows is not part of the sending.
  await database.query('VACUUM ANALYZE');
  await database.query('CHECKPOINT');
}

/**
 * @param {import('pg').Client} database
 * @param {string} owner
 * @param {number} recipients
 */
export async function addRecipients(database, owner, recipients) {
  await database.query(RECIPIENTS, [owner, recipients]);
}

/**
 * @param {import('pg').Client} database
 * @param {string} insert
 * @param {unknown[]} values
 * @returns {Promise<string>} the id
 */
async function created(database, insert, values) {
  const { rows } = await database.query(insert, values);
  return rows[0].id;
}
