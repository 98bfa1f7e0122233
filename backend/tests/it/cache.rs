//! Answers that are kept ready: in this process and in Redis, never wrong, never somebody else's.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use serde_json::json;

use crate::support::app::TestApp;
use crate::support::smtp_server::ScriptedServer;

#[expect(
    clippy::disallowed_methods,
    reason = "the tests are told where Redis is by their environment"
)]
fn redis_address() -> SocketAddr {
    let url = std::env::var("REDIS_URL").expect("REDIS_URL names a Redis for tests");
    let url = url::Url::parse(&url).unwrap();
    let host = url.host_str().unwrap();
    format!("{host}:{}", url.port().unwrap_or(6379))
        .parse()
        .unwrap()
}

/// An app that keeps answers, of an installation that no other test has.
fn keeping(more: &[(&str, &str)]) -> TestApp {
    let site = format!("https://{}.example.org", rand::random::<u64>());
    let own = [
        ("SMTP_URL", "smtp://127.0.0.1:9"),
        ("PUBLIC_URL", site.as_str()),
        ("CACHE", "auto"),
    ];
    TestApp::start_with(&[more, &own].concat())
}

/// One that keeps them in its process, and one that keeps them in Redis, too.
fn both() -> [TestApp; 2] {
    let redis = format!("redis://{}", redis_address());
    [keeping(&[]), keeping(&[("REDIS_URL", &redis)])]
}

/// A way to Redis that can be cut.
struct Line {
    address: SocketAddr,
    open: Arc<Mutex<Option<Vec<TcpStream>>>>,
}

impl Line {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let open = Arc::new(Mutex::new(Some(Vec::new())));
        let streams = Arc::clone(&open);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if let Some(streams) = streams.lock().unwrap().as_mut() {
                    let server = TcpStream::connect(redis_address()).unwrap();
                    pass_on(client.try_clone().unwrap(), server.try_clone().unwrap());
                    pass_on(server.try_clone().unwrap(), client.try_clone().unwrap());
                    streams.extend([client, server]);
                }
            }
        });
        Self { address, open }
    }

    fn cut(&self) {
        for stream in self.open.lock().unwrap().take().into_iter().flatten() {
            stream.shutdown(Shutdown::Both).ok();
        }
    }

    fn mend(&self) {
        *self.open.lock().unwrap() = Some(Vec::new());
    }
}

fn pass_on(mut from: TcpStream, mut to: TcpStream) {
    thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(count @ 1..) = from.read(&mut bytes) {
            if to.write_all(&bytes[..count]).is_err() {
                break;
            }
        }
        to.shutdown(Shutdown::Both).ok();
    });
}

fn titles(app: &TestApp) -> Vec<String> {
    let page = app.read("/articles").expect(200);
    let items = page["items"].as_array().unwrap().iter();
    items
        .map(|item| item["title"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn off_is_off_and_on_the_numbers_of_the_home_page_may_be_seconds_old() {
    let off = TestApp::start();
    for (app, seen) in [(&off, 2), (&keeping(&[]), 1)] {
        let alice = app.alice();
        app.recipient(&alice, "ada@example.org");
        assert_eq!(app.read("/home").expect(200)["unique_recipients"], 1);
        app.recipient(&alice, "grace@example.org");
        assert_eq!(app.read("/home").expect(200)["unique_recipients"], seen);
    }
}

#[test]
fn what_staff_does_to_an_article_shows_at_once() {
    for app in both() {
        let manager = app.manager();
        assert_eq!(titles(&app), [""; 0]);
        let id = app.article(&manager, "News");
        let path = format!("/articles/{id}");
        let act = |action: &str| {
            app.post(&manager, &format!("{path}/{action}"), &json!({}))
                .expect(204);
        };
        for _ in 0..2 {
            act("publish");
            assert_eq!(titles(&app), ["News"]);
            app.read("/articles/news").expect(200);
            assert_eq!(
                app.read("/home").expect(200)["articles"][0]["title"],
                "News"
            );
            act("unpublish");
            assert_eq!(titles(&app), [""; 0]);
            app.read("/articles/news").expect_problem(404, "not_found");
            assert_eq!(app.read("/home").expect(200)["articles"], json!([]));
        }
        act("publish");
        app.patch(&manager, &path, &json!({"html": "<p>Other</p>"}))
            .expect(200);
        let read = app.read("/articles/news").expect(200);
        assert_eq!(read["html"], "<p>Other</p>");
        app.delete(&manager, &path).expect(204);
        app.read("/articles/news").expect_problem(404, "not_found");
        assert_eq!(titles(&app), [""; 0]);
    }
}

#[test]
fn every_view_of_an_article_that_is_kept_counts() {
    for app in both() {
        let manager = app.manager();
        let slug = format!("/articles/{}", app.published(&manager, "News"));
        let first = app.read(&slug);
        let tag = first.header("etag").to_owned();
        assert_eq!(first.expect(200)["views"], 1);
        let known = app.send("GET", &slug, &[("if-none-match", tag)], None);
        assert_eq!(known.status, 304);
        assert_eq!(app.read(&slug).expect(200)["views"], 3);
        assert_eq!(app.get(&manager, &slug).expect(200)["views"], 3);
    }
}

#[test]
fn a_list_that_has_not_changed_is_not_sent_again_and_one_that_has_is() {
    let app = keeping(&[]);
    let alice = app.alice();
    let known_as = |path: &str, tag: &str| {
        let given = [alice.bearer(), ("if-none-match", tag.to_owned())];
        app.send("GET", path, &given, None)
    };
    let tag_of = |path: &str| {
        let read = app.get(&alice, path);
        assert_eq!(read.header("cache-control"), "private, no-cache", "{path}");
        read.header("etag").to_owned()
    };
    for path in [
        "/recipients",
        "/messages",
        "/mailings",
        "/suppressions",
        "/smtp-servers",
        "/attempts",
        "/stats/mailings",
    ] {
        assert_eq!(known_as(path, &tag_of(path)).status, 304, "{path}");
    }
    let empty = tag_of("/recipients");
    app.post(&alice, "/recipients", &json!({"email": "a@example.org"}))
        .expect(201);
    let page = known_as("/recipients", &empty).expect(200);
    assert_eq!(page["total"], 1);
    for path in ["/me/tokens", "/me/sessions"] {
        let read = app.get(&alice, path);
        assert_eq!(read.header("cache-control"), "no-store", "{path}");
    }
}

#[test]
fn over_200_loads_each_of_ten_articles_is_shown_also_from_the_cache() {
    for app in both() {
        let manager = app.manager();
        let published: BTreeSet<_> = (0..10)
            .map(|number| app.published(&manager, &format!("News {number}")))
            .collect();
        let mut seen = BTreeSet::new();
        for _ in 0..200 {
            let home = app.read("/home").expect(200);
            let articles = home["articles"].as_array().unwrap().iter();
            let slugs: BTreeSet<_> = articles
                .map(|article| article["slug"].as_str().unwrap().to_owned())
                .collect();
            assert_eq!(slugs.len(), 3);
            seen.extend(slugs);
        }
        assert_eq!(seen, published);
    }
}

#[test]
fn cached_logs_are_not_shared_between_users() {
    let server = ScriptedServer::start();
    let settings = [("SMTP_URL", server.url()), ("CACHE", "memory".to_owned())];
    let settings = settings
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let app = TestApp::start_with(&settings);
    let (alice, bob, manager) = (app.alice(), app.bob(), app.manager());
    for owner in [&alice, &bob] {
        app.recipient(owner, &format!("friend-of-{}", owner.email));
        app.mailing(owner, &json!({}));
    }
    app.tick();
    for _ in 0..2 {
        let own = |person| app.log(person).len();
        assert_eq!((own(&alice), own(&bob), own(&manager)), (1, 1, 2));
        assert_eq!(app.log(&alice)[0]["owner"]["id"], alice.id);
    }
}

#[test]
fn two_installations_on_one_redis_do_not_mix() {
    let redis = format!("redis://{}", redis_address());
    let apps = [0; 2].map(|_| keeping(&[("REDIS_URL", &redis)]));
    let manager = apps[0].manager();
    apps[0].published(&manager, "Ours");
    assert_eq!(titles(&apps[0]), ["Ours"]);
    assert_eq!(titles(&apps[1]), [""; 0]);
}

#[test]
fn responses_stay_correct_while_redis_fails_and_recovers() {
    let line = Line::new();
    let app = keeping(&[("REDIS_URL", &format!("redis://{}", line.address))]);
    let manager = app.manager();
    app.published(&manager, "Before");
    assert_eq!(titles(&app), ["Before"]);
    line.cut();
    let begun = Instant::now();
    app.published(&manager, "During");
    assert_eq!(titles(&app).len(), 2);
    app.read("/articles/during").expect(200);
    assert!(
        begun.elapsed() < Duration::from_secs(1),
        "{:?}",
        begun.elapsed()
    );
    line.mend();
    app.published(&manager, "After");
    for _ in 0..2 {
        assert_eq!(titles(&app).len(), 3);
        app.read("/articles/during").expect(200);
    }
}

#[test]
fn a_users_own_change_is_visible_in_their_statistics_immediately() {
    for app in both() {
        let (alice, bob) = (app.alice(), app.bob());
        let known = |person| app.get(person, "/stats").expect(200)["recipients"].clone();
        app.recipient(&bob, "carol@example.org");
        for more in 0..3 {
            assert_eq!((known(&alice), known(&bob)), (json!(more), json!(1)));
            app.recipient(&alice, &format!("n{more}@example.org"));
        }
        // What nobody tells of is kept for a while: it came from the cache.
        let sql = "INSERT INTO recipients (owner_id, email, full_name, created_at, updated_at)
                   SELECT owner_id, 'x' || email, '', now(), now() FROM recipients";
        known(&alice);
        app.sql().batch_execute(sql).unwrap();
        assert_eq!(known(&alice), json!(3));
    }
}
