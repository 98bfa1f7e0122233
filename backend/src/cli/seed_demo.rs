//! `dispatch seed-demo`: fills a database with demo data.

use chrono::{DateTime, Datelike, Days, Duration, Months, NaiveDate, Utc, Weekday};
use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Timestamptz};

use super::output::{CommandError, print_line};
use super::progress::note;
use crate::accounts::auth;
use crate::accounts::auth::model::SignUp;
use crate::accounts::identity::Role;
use crate::accounts::tokens::secret::SecretToken;
use crate::app::Services;
use crate::content::messages::model::CreateMessage;
use crate::content::messages::store as messages;
use crate::core::db::schema::users;
use crate::core::email_address::EmailAddress;
use crate::core::language::Language;
use crate::core::zone::Zone;
use crate::delivery::mailings::audience::model::Audience;
use crate::delivery::mailings::model::{CreateMailing, OnUncertain};
use crate::delivery::mailings::recurrence::Recurrence;
use crate::delivery::mailings::requested::MailingWindow;
use crate::delivery::mailings::store::{self as mailings, NewMailing};
use crate::delivery::mailings::window::Moment;
use crate::delivery::mailings::{audience, start};
use crate::site::articles::store::{self as articles, ArticleContent};

const USER: &str = "anna@dispatch.localhost";
const ADMIN: &str = "admin@dispatch.localhost";
const MOSCOW: &str = "Europe/Moscow";

const RECIPIENTS: &str = "
    INSERT INTO recipients (owner_id, email, full_name, comment, created_at, updated_at)
    SELECT $1, 'demo' || n || '@example.org',
           (ARRAY['Анна','Борис','Вера','Глеб','Дарья','Егор','Жанна','Захар','Ирина','Кирилл'])[1 + n % 10] || ' ' ||
           (ARRAY['Соколенко','Гринь','Белых','Седых','Долгих','Живаго','Черных'])[1 + n % 7],
           CASE WHEN n % 25 = 0 THEN 'demo' ELSE '' END, $2 - make_interval(mins => n), $2 - make_interval(mins => n)
    FROM generate_series(1, 250) n";

/// Articles: title, first paragraph, the rest, and how many days ago each was published; `None` for a draft.
const ARTICLES: [(&str, &str, &str, Option<i64>); 4] = [
    (
        "Каждому — своё письмо",
        "В поле «Кому» всегда один адрес, а в тексте — имя того, кто его читает.",
        "<p>Чужих адресов не видит никто: ни в письме, ни в его заголовках. Имя подставляется там, где вы его \
         поставили, а для тех, у кого его нет, можно написать другое обращение.</p>",
        Some(21),
    ),
    (
        "Что ответил почтовый сервер",
        "Каждая попытка остаётся в журнале: когда, кому и какими словами ответил сервер.",
        "<p>Ответ бывает разным:</p><ul><li><b>принято</b> — сервер взял письмо;</li><li><b>отложено</b> — просит \
         прийти позже, и мы придём;</li><li><b>отказ</b> — такого адреса нет.</li></ul>\
         <p>Отказы можно разобрать по причинам и отправить заново только те письма, которые не дошли.</p>",
        Some(9),
    ),
    (
        "Расписание, которое знает про часы",
        "Рассылка в девять утра приходит в девять утра — и зимой, и летом, и тридцать первого числа.",
        "<p>Ближайшие десять дат видны до сохранения. Если часы переводят, это отмечено; если в месяце нет \
         тридцать первого числа, письмо уйдёт в последний день.</p>",
        Some(2),
    ),
    (
        "Перезапуск ничего не теряет",
        "Остановилась служба, база данных или почтовый сервер — рассылка продолжится с того же места.",
        "<p>На каждого получателя есть строка, и она знает, что с письмом. Никто не останется без письма и никто не \
         получит лишнего молча.</p>",
        None,
    ),
];

/// Adds the demo data to a database without users; refuses any other.
pub(super) fn fill_empty(services: &Services) -> Result<(), CommandError> {
    refuse_in_production(services)?;
    let mut conn = PgConnection::establish(&services.config.database.url)?;
    if diesel::select(exists(users::table.select(users::id))).get_result(&mut conn)? {
        return Err("the database contains data; use --force to add the demo data to it".into());
    }
    add(services)
}

/// Adds the demo data to any database.
pub(super) fn add(services: &Services) -> Result<(), CommandError> {
    refuse_in_production(services)?;
    let mut conn = PgConnection::establish(&services.config.database.url)?;
    let now = services.clock.now();
    let (admin, owner) = (
        DemoUser::new(services, ADMIN, "Администратор", Role::Admin)?,
        DemoUser::new(services, USER, "Анна Живаго", Role::User)?,
    );
    let (admin_hash, owner_hash) = (
        services.passwords.hash_here(&admin.new.password)?,
        services.passwords.hash_here(&owner.new.password)?,
    );
    conn.transaction::<_, CommandError, _>(|conn| {
        note("adding two users");
        let admin_id = admin.store(conn, &admin_hash, now)?;
        let owner_id = owner.store(conn, &owner_hash, now)?;
        note("adding 250 recipients");
        diesel::sql_query(RECIPIENTS)
            .bind::<BigInt, _>(owner_id)
            .bind::<Timestamptz, _>(now)
            .execute(conn)?;
        note("adding messages and mailings");
        add_mailings(conn, owner_id, now)?;
        note("adding articles");
        add_articles(conn, admin_id, now)
    })?;
    let (owner, admin) = (&owner.new.password, &admin.new.password);
    print_line(format_args!("demo user:  {USER}   password: {owner}"))?;
    Ok(print_line(format_args!(
        "demo admin: {ADMIN}  password: {admin}"
    ))?)
}

/// The demo data include an administrator.
fn refuse_in_production(services: &Services) -> Result<(), CommandError> {
    if services.config.deployment.production {
        return Err(
            "demo accounts are not available with APP_ENV=production; create an administrator with dispatch create-admin"
                .into(),
        );
    }
    Ok(())
}

/// A demo user.
struct DemoUser {
    new: SignUp,
    role: Role,
}

impl DemoUser {
    /// The password is `DEMO_PASSWORD`, or a random one.
    fn new(services: &Services, email: &str, name: &str, role: Role) -> Result<Self, CommandError> {
        let password = services.config.demo_password.as_ref();
        let password = password.map_or_else(
            || SecretToken::random().reveal().to_owned(),
            |chosen| chosen.0.clone(),
        );
        Ok(Self {
            new: SignUp {
                email: EmailAddress::parse(email)?,
                password,
                full_name: name.to_owned(),
                language: Language::Ru,
                time_zone: MOSCOW.to_owned(),
                invitation: None,
            },
            role,
        })
    }

    fn store(
        &self,
        conn: &mut PgConnection,
        hash: &str,
        now: DateTime<Utc>,
    ) -> Result<i64, CommandError> {
        let created = auth::store::create_confirmed(conn, &self.new, hash, self.role, now)?;
        created.ok_or_else(|| format!("user {} already exists", self.new.email).into())
    }
}

/// Adds a mailing that is sent immediately, one every Monday at nine, and one on the last day of every month.
fn add_mailings(
    conn: &mut PgConnection,
    owner_id: i64,
    now: DateTime<Utc>,
) -> Result<(), CommandError> {
    let today = now.with_timezone(&moscow()?).date_naive();
    let monday = today.week(Weekday::Mon).last_day() + Days::new(1);
    let month_end = today
        .with_day(1)
        .and_then(|first| first.checked_add_months(Months::new(2)))
        .ok_or("no such month")?
        - Days::new(1);
    let (monday, month_end) = (at_hour(monday, 9)?, at_hour(month_end, 18)?);
    let all = || Audience {
        all: Some(true),
        ..Audience::default()
    };
    let some = || Audience {
        q: Some("Живаго".to_owned()),
        ..Audience::default()
    };
    for (subject, text, starts_at, recurrence, choice) in [
        (
            "Приглашение на день открытых дверей",
            "ждём вас в субботу в 12:00. Будет интересно!",
            now,
            Recurrence::Once,
            all(),
        ),
        (
            "Новости недели",
            "вот что произошло за неделю.",
            monday,
            Recurrence::Weekly,
            all(),
        ),
        (
            "Итоги месяца",
            "подводим итоги месяца.",
            month_end,
            Recurrence::Monthly,
            some(),
        ),
    ] {
        let message = CreateMessage {
            subject: subject.to_owned(),
            html: format!(
                "<h1>{subject}</h1>\n<p>Здравствуйте, {{{{ full_name }}}}!</p>\n<p>{text}</p>\n"
            ),
            text: format!("Здравствуйте, {{{{ full_name }}}}!\n\n{text}\n"),
        };
        let message_id = messages::create(conn, owner_id, &message, now)?.id;
        let ends_at = (recurrence != Recurrence::Once).then(|| starts_at + Duration::days(365));
        let new = CreateMailing {
            message_id,
            starts_at: Some(starts_at),
            start_now: false,
            ends_at,
            starts_at_local: None,
            ends_at_local: None,
            recurrence,
            time_zone: MOSCOW.to_owned(),
            on_uncertain: OnUncertain::default(),
            smtp_server_id: None,
            recipients: choice,
        };
        let stored = NewMailing {
            owner_id,
            window: MailingWindow {
                start: instant(starts_at),
                end: ends_at.map(instant),
            },
            request: &new,
        };
        let id = mailings::create(conn, &stored, now)?;
        audience::store::replace(conn, id, owner_id, &new.recipients)?;
        start::refresh_state(conn, id)?;
    }
    Ok(())
}

/// Adds published articles and a draft.
fn add_articles(
    conn: &mut PgConnection,
    author_id: i64,
    now: DateTime<Utc>,
) -> Result<(), CommandError> {
    for (title, beginning, rest, days) in ARTICLES {
        let article = ArticleContent {
            title: title.to_owned(),
            html: format!("<p>{beginning}</p>{rest}"),
            beginning: beginning.to_owned(),
            excerpt: None,
            published_at: days.map(|days| now - Duration::days(days)),
        };
        let id = articles::create(conn, author_id, &article, now)?.id;
        if days.is_some() {
            articles::publish(conn, id, now)?;
        }
    }
    Ok(())
}

fn instant(at: DateTime<Utc>) -> Moment {
    Moment { at, local: None }
}

fn moscow() -> Result<Zone, CommandError> {
    Ok(MOSCOW.parse()?)
}

fn at_hour(day: NaiveDate, hour: u32) -> Result<DateTime<Utc>, CommandError> {
    let local = day.and_hms_opt(hour, 0, 0).ok_or("no such hour")?;
    Ok(local
        .and_local_timezone(moscow()?)
        .earliest()
        .ok_or("no such hour")?
        .to_utc())
}
