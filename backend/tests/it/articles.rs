//! The blog: who writes, who reads, what is kept of what was written.

use std::io::Cursor;

use chrono::TimeDelta;
use diesel::prelude::*;
use dispatch::app::Services;
use dispatch::core::db::schema::images;
use dispatch::engine::maintenance::Maintenance;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use serde_json::{Value, json};

use crate::support::answer::Answer;
use crate::support::app::TestApp;
use crate::support::people::Person;

impl TestApp {
    /// A draft of this title.
    pub(crate) fn article(&self, staff: &Person, title: &str) -> i64 {
        let article = json!({"title": title, "html": "<p>Some text.</p>"});
        self.post(staff, "/articles", &article).id()
    }

    /// The same, published; gives the address.
    pub(crate) fn published(&self, staff: &Person, title: &str) -> String {
        let id = self.article(staff, title);
        self.publish(staff, id);
        let article = self.get(staff, &format!("/articles/{id}")).expect(200);
        article["slug"].as_str().unwrap().to_owned()
    }

    fn publish(&self, staff: &Person, id: i64) {
        self.post(staff, &format!("/articles/{id}/publish"), &json!({}))
            .expect(204);
    }

    /// A request of somebody who does not say who they are.
    pub(crate) fn read(&self, path: &str) -> Answer {
        self.send("GET", path, &[], None)
    }
}

fn titles(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| item["title"].as_str().unwrap())
        .collect()
}

fn picture(width: u32, height: u32) -> Vec<u8> {
    let picture: DynamicImage = RgbImage::from_pixel(width, height, Rgb([200, 30, 60])).into();
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn upload(app: &TestApp, person: &Person, method: &str, path: &str, body: &[u8]) -> Answer {
    let headers = [person.bearer(), ("content-type", "image/png".to_owned())];
    app.send_bytes(method, path, &headers, body)
}

#[test]
fn managers_and_administrators_write_and_everybody_reads_what_is_published() {
    let app = TestApp::start();
    let admin = app.person("admin@example.org", "admin");
    for staff in [app.manager(), admin] {
        let title = format!("By {}", staff.email);
        let draft = json!({"title": title, "html": "<p>Some text.</p>"});
        let created = app.post(&staff, "/articles", &draft);
        let address = created.header("location").replace("/api/v1", "");
        let draft = created.expect(201);
        assert_eq!(
            (&draft["is_published"], &draft["published_at"]),
            (&json!(false), &Value::Null)
        );
        assert_eq!(app.get(&staff, &address).expect(200), draft);
        let slug = format!("/articles/{}", draft["slug"].as_str().unwrap());
        app.read(&slug).expect_problem(404, "not_found");
        for _ in 0..2 {
            app.publish(&staff, draft["id"].as_i64().unwrap());
        }
        let read = app.read(&slug).expect(200);
        assert_eq!(
            (&read["html"], &read["author"], &read["published_at"]),
            (&draft["html"], &Value::Null, &json!(app.now()))
        );
    }
    let page = app.read("/articles").expect(200);
    assert_eq!(
        titles(&page),
        ["By admin@example.org", "By manager@example.org"]
    );
    assert_eq!(page["items"][0].get("html"), None);
}

#[test]
fn a_user_writes_nothing_and_is_shown_no_drafts() {
    let app = TestApp::start();
    let (manager, alice) = (app.manager(), app.alice());
    let id = app.article(&manager, "A draft");
    let article = json!({"title": "Mine", "html": ""});
    app.post(&alice, "/articles", &article)
        .expect_problem(403, "forbidden");
    upload(&app, &alice, "POST", "/images", &picture(4, 4)).expect_problem(403, "forbidden");
    for named in [format!("/articles/{id}"), "/articles/a-draft".to_owned()] {
        app.get(&alice, &named).expect_problem(404, "not_found");
        app.read(&named).expect_problem(404, "not_found");
        // A token that has expired is renewed by the page when it is told so.
        let expired = [("authorization", "Bearer abc.def.ghi".to_owned())];
        app.send("GET", &named, &expired, None)
            .expect_problem(401, "unauthenticated");
        app.get(&manager, &named).expect(200);
    }
    for status in ["draft", "published", "all"] {
        let list = format!("/articles?status={status}");
        app.get(&alice, &list).expect_problem(403, "forbidden");
        app.read(&list).expect_problem(401, "unauthenticated");
    }
    assert_eq!(app.read("/articles").expect(200)["total"], 0);
    assert_eq!(
        titles(&app.get(&manager, "/articles?status=draft").expect(200)),
        ["A draft"]
    );
}

#[test]
fn two_equal_titles_have_two_addresses() {
    let app = TestApp::start();
    let manager = app.manager();
    let slugs: Vec<_> = (0..3)
        .map(|_| app.published(&manager, "Весенние новости"))
        .collect();
    assert_eq!(
        slugs,
        [
            "vesennie-novosti",
            "vesennie-novosti-2",
            "vesennie-novosti-3"
        ]
    );
    for slug in slugs {
        let read = app.read(&format!("/articles/{slug}")).expect(200);
        assert_eq!(read["slug"], slug);
    }
    assert_eq!(app.published(&manager, "2026"), "article-2026");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| app.article(&manager, "At once"));
        }
    });
    let drafts = app.get(&manager, "/articles?q=at+once&status=draft");
    assert_eq!(drafts.expect(200)["total"], 8);
}

#[test]
fn an_address_follows_the_title_until_somebody_may_have_noted_it() {
    let app = TestApp::start();
    let manager = app.manager();
    let id = app.article(&manager, "First");
    let path = format!("/articles/{id}");
    let rename = |title: &str| {
        let renamed = app.patch(&manager, &path, &json!({"title": title}));
        renamed.expect(200)["slug"].as_str().unwrap().to_owned()
    };
    assert_eq!(rename("Second"), "second");
    app.publish(&manager, id);
    assert_eq!(rename("Third"), "second");
    for _ in 0..2 {
        app.post(&manager, &format!("{path}/unpublish"), &json!({}))
            .expect(204);
    }
    app.read("/articles/second")
        .expect_problem(404, "not_found");
    assert_eq!(rename("Fourth"), "second");
}

#[test]
fn an_article_is_introduced_by_its_author_or_by_its_beginning() {
    let app = TestApp::start();
    let manager = app.manager();
    let path = format!("/articles/{}", app.article(&manager, "News"));
    let after =
        |changes: Value| app.patch(&manager, &path, &changes).expect(200)["excerpt"].clone();
    assert_eq!(after(json!({"title": "New"})), "Some text.");
    // An editor sends back what it was shown.
    let other = json!({"html": "<p>Other text.</p>", "excerpt": "Some text."});
    assert_eq!(after(other), "Other text.");
    assert_eq!(after(json!({"excerpt": " By\nhand "})), "By hand");
    assert_eq!(after(json!({"html": "<p>More.</p>"})), "By hand");
    assert_eq!(after(json!({"excerpt": null})), "More.");
}

#[test]
fn nothing_in_an_article_acts_on_its_reader() {
    let app = TestApp::start();
    let manager = app.manager();
    let hostile = json!({"title": "<b>Bold</b>", "html":
        "<h2 onclick=x>Hi</h2><script>alert(1)</script><style>p{}</style><iframe src=/></iframe>\
         <a href='javascript:alert(1)'>a</a><a href='https://example.org'>b</a><img src='https://example.org/x.png'>"});
    let article = app.post(&manager, "/articles", &hostile).expect(201);
    assert_eq!(article["title"], "<b>Bold</b>");
    assert_eq!(
        article["html"],
        "<h2>Hi</h2><a rel=\"noopener noreferrer\">a</a><a href=\"https://example.org\" rel=\"noopener noreferrer\">b</a>"
    );
    for (field, code, body) in [
        ("title", "required", json!({"title": " ", "html": ""})),
        ("title", "too_long", json!({"title": "я".repeat(201)})),
        ("title", "control_characters", json!({"title": "a\nb"})),
        (
            "html",
            "too_long",
            json!({"title": "a", "html": "я".repeat(131_073)}),
        ),
        (
            "html",
            "too_complex",
            json!({"title": "a", "html": "<blockquote>".repeat(1000)}),
        ),
        (
            "excerpt",
            "too_long",
            json!({"title": "a", "excerpt": "я".repeat(501)}),
        ),
        (
            "published_at",
            "out_of_range",
            json!({"title": "a", "published_at": "1999-12-31T00:00:00Z"}),
        ),
        ("slug", "unknown_field", json!({"title": "a", "slug": "b"})),
    ] {
        app.post(&manager, "/articles", &body)
            .expect_invalid(field, code);
    }
}

#[test]
fn readers_see_an_article_from_its_date_on() {
    let app = TestApp::start();
    let manager = app.manager();
    let tomorrow = app.now() + TimeDelta::days(1);
    let article = json!({"title": "Later", "html": "", "published_at": tomorrow});
    let id = app.post(&manager, "/articles", &article).id();
    app.publish(&manager, id);
    let published = app.get(&manager, "/articles?status=published").expect(200);
    assert_eq!(titles(&published), ["Later"]);
    assert_eq!(app.read("/articles").expect(200)["total"], 0);
    app.read("/articles/later").expect_problem(404, "not_found");
    app.patch(
        &manager,
        &format!("/articles/{id}"),
        &json!({"published_at": null}),
    )
    .expect_invalid("published_at", "required");
    app.wait(TimeDelta::days(1));
    app.read("/articles/later").expect(200);
    assert_eq!(titles(&app.read("/articles").expect(200)), ["Later"]);
}

#[test]
fn the_newest_come_first_and_are_found_by_a_part_of_what_a_list_shows() {
    let app = TestApp::start();
    let manager = app.manager();
    for title in ["One", "Two", "Three"] {
        app.published(&manager, title);
        app.wait(TimeDelta::seconds(1));
    }
    let list = |query: &str| {
        let page = app.read(&format!("/articles?{query}")).expect(200);
        titles(&page).join(" ")
    };
    assert_eq!(list(""), "Three Two One");
    assert_eq!(list("per_page=2"), "Three Two");
    assert_eq!(list("per_page=2&page=2"), "One");
    assert_eq!(list("q=TW"), "Two");
    assert_eq!(list("q=some+text"), "Three Two One");
    assert_eq!(list("q=%25"), "");
    for (query, field) in [
        ("page=0", "page"),
        ("per_page=101", "per_page"),
        ("status=x", "status"),
        ("sort=x", "sort"),
    ] {
        app.read(&format!("/articles?{query}"))
            .expect_invalid_named(field);
    }
}

#[test]
fn a_thousand_readers_at_once_are_a_thousand_views() {
    let app = TestApp::start();
    let manager = app.manager();
    let slug = format!("/articles/{}", app.published(&manager, "News"));
    std::thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| {
                for _ in 0..50 {
                    app.read(&slug).expect(200);
                }
            });
        }
    });
    let seen = app.get(&manager, &slug).expect(200);
    assert_eq!(seen["views"], 1000);
    assert_eq!(app.read(&slug).expect(200)["views"], 1001);
    assert_eq!(app.get(&app.alice(), &slug).expect(200)["views"], 1002);
    let after = app.get(&manager, &slug).expect(200);
    assert_eq!(after["views"], 1002, "staff is not counted");
    assert_eq!(after["updated_at"], seen["updated_at"]);
}

#[test]
fn a_reader_who_has_the_article_is_told_so_until_it_is_changed() {
    let app = TestApp::start();
    let manager = app.manager();
    let slug = format!("/articles/{}", app.published(&manager, "News"));
    for path in [&slug, "/articles", "/articles.rss"] {
        let first = app.read(path);
        let tag = first.header("etag").to_owned();
        assert!(tag.starts_with("W/\"") && first.header("cache-control").starts_with("public"));
        let again = |tag: &str| app.send("GET", path, &[("if-none-match", tag.to_owned())], None);
        let known = again(&tag);
        assert_eq!((known.status, known.bytes.len()), (304, 0), "{path}");
        app.wait(TimeDelta::seconds(1));
        let id = app.get(&manager, &slug).expect(200)["id"].clone();
        let title = json!({"title": format!("News of {path}")});
        app.patch(&manager, &format!("/articles/{id}"), &title)
            .expect(200);
        assert_eq!(again(&tag).status, 200, "{path}");
    }
    let views = app.get(&manager, &slug).expect(200)["views"].clone();
    assert_eq!(views, 3, "also those who have it already have opened it");
}

#[test]
fn whoever_changes_an_article_that_another_has_changed_is_told_so() {
    let app = TestApp::start();
    let manager = app.manager();
    let path = format!("/articles/{}", app.article(&manager, "News"));
    let read = app.get(&manager, &path).header("etag").to_owned();
    app.wait(TimeDelta::seconds(1));
    let change = |tag: &str| {
        let headers = [manager.bearer(), ("if-match", tag.to_owned())];
        app.send("PATCH", &path, &headers, Some(&json!({"title": "Other"})))
    };
    change(&read).expect(200);
    change(&read).expect_problem(412, "precondition_failed");
}

#[test]
fn an_article_is_shown_with_its_picture_and_the_one_before_is_gone() {
    let app = TestApp::start();
    let manager = app.manager();
    let article = format!("/articles/{}", app.article(&manager, "News"));
    let path = format!("{article}/image");
    let show = || {
        let shown = upload(&app, &manager, "PUT", &path, &picture(2000, 1000)).expect(200);
        shown["image_url"].as_str().unwrap().replace("/api/v1", "")
    };
    let (first, second) = (show(), show());
    app.read(&first).expect_problem(404, "not_found");
    let shown = app.read(&second);
    assert_eq!(
        (shown.status, shown.header("cache-control")),
        (200, "public, max-age=31536000, immutable")
    );
    let shown = image::load_from_memory(&shown.bytes).unwrap();
    assert_eq!((shown.width(), shown.height()), (1600, 800));
    for _ in 0..2 {
        app.delete(&manager, &path).expect(204);
    }
    app.read(&second).expect_problem(404, "not_found");
    upload(&app, &manager, "PUT", &path, b"GIF89a").expect_invalid("image", "unsupported_image");
    let large = vec![0; 5 * 1024 * 1024 + 1];
    upload(&app, &manager, "PUT", &path, &large).expect_problem(413, "payload_too_large");
    let third = show();
    app.delete(&manager, &article).expect(204);
    app.read(&third).expect_problem(404, "not_found");
    let kept: i64 = images::table.count().get_result(&mut app.sql()).unwrap();
    assert_eq!(kept, 0);
}

#[test]
fn a_picture_that_staff_has_added_may_stand_in_an_article() {
    let app = TestApp::start();
    let manager = app.manager();
    let added = upload(&app, &manager, "POST", "/images", &picture(40, 30));
    let url = added.header("location").to_owned();
    assert_eq!(added.expect(201)["url"], url);
    let html = format!("<img src=\"{url}\" alt=\"A cat\">");
    let article = json!({"title": "News", "html": html});
    assert_eq!(
        app.post(&manager, "/articles", &article).expect(201)["html"],
        html
    );
    app.read(&url.replace("/api/v1", "")).expect(200);
    for name in [
        "x.webp",
        "%00.webp",
        ".webp",
        "..%2F..%2Fetc%2Fpasswd",
        "x.png",
    ] {
        app.read(&format!("/images/{name}"))
            .expect_problem(404, "not_found");
    }
}

#[test]
fn a_picture_that_no_article_shows_a_week_later_is_deleted() {
    let app = TestApp::start();
    let manager = app.manager();
    let add = || {
        let added = upload(&app, &manager, "POST", "/images", &picture(4, 4)).expect(201);
        added["url"].as_str().unwrap().replace("/api/v1", "")
    };
    let (shown, forgotten) = (add(), add());
    let html = format!("<img src=\"/api/v1{shown}\">");
    let id = app
        .post(
            &manager,
            "/articles",
            &json!({"title": "News", "html": html}),
        )
        .id();
    let beside = format!("/articles/{id}/image");
    let beside = upload(&app, &manager, "PUT", &beside, &picture(4, 4)).expect(200);
    let beside = beside["image_url"].as_str().unwrap().replace("/api/v1", "");
    let Services {
        db, clock, config, ..
    } = app.services.clone();
    let maintenance = Maintenance::new(db, clock, config.audit_log_retention);
    for (days, found) in [(6, 200), (2, 404)] {
        app.wait(TimeDelta::days(days));
        maintenance.pass(&mut app.sql()).unwrap();
        assert_eq!(app.read(&forgotten).status, found);
        app.read(&shown).expect(200);
        app.read(&beside).expect(200);
    }
}

#[test]
fn the_feed_is_rss_that_leads_to_the_site() {
    let app = TestApp::start_with(&[
        ("SMTP_URL", "smtp://127.0.0.1:9"),
        ("PUBLIC_URL", "https://dispatch.example.org"),
    ]);
    let manager = app.manager();
    app.article(&manager, "A draft");
    for number in 1..=21 {
        app.published(&manager, &format!("<Tom> & \"Jerry\" ]]> {number}"));
        app.wait(TimeDelta::seconds(1));
    }
    let feed = app.read("/articles.rss");
    assert_eq!(
        feed.header("content-type"),
        "application/rss+xml; charset=utf-8"
    );
    let feed = rss::Channel::read_from(&feed.bytes[..]).unwrap();
    let titles: Vec<_> = feed
        .items
        .iter()
        .map(|item| item.title().unwrap())
        .collect();
    assert_eq!((titles.len(), titles[0]), (20, "<Tom> & \"Jerry\" ]]> 21"));
    assert_eq!(
        feed.items[0].link(),
        Some("https://dispatch.example.org/blog/tom-jerry-21")
    );
    assert_eq!(feed.items[0].description(), Some("Some text."));
    assert_eq!(
        feed.items[0].pub_date(),
        Some("Fri, 1 May 2026 10:00:20 +0000")
    );
}

#[test]
fn what_staff_does_to_articles_is_noted() {
    let app = TestApp::start();
    let manager = app.manager();
    let id = app.article(&manager, "News");
    let path = format!("/articles/{id}");
    app.patch(&manager, &path, &json!({"title": "More news"}))
        .expect(200);
    for action in ["publish", "publish", "unpublish", "unpublish"] {
        app.post(&manager, &format!("{path}/{action}"), &json!({}))
            .expect(204);
    }
    app.delete(&manager, &path).expect(204);
    let events = app.get(&manager, "/events").expect(200)["items"].take();
    let noted: Vec<_> = events
        .as_array()
        .unwrap()
        .iter()
        .map(|event| {
            (
                event["kind"].as_str().unwrap(),
                event["subject"]["name"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        noted,
        [
            ("article_deleted", "More news"),
            ("article_unpublished", "More news"),
            ("article_published", "More news"),
            ("article_changed", "More news"),
            ("article_created", "News"),
        ]
    );
}
