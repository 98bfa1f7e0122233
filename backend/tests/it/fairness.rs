//! Expensive work of one user does not delay others.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::json;

use crate::support::app::TestApp;

/// A third of the maximum size of a message, with as many elements and placeholders as allowed.
fn heavy() -> String {
    let placeholder = "<p>{{ full_name | title | default('friend', true) | upper }}</p>";
    let rest = "<td>a &amp; b<br>".repeat(20_000);
    format!("{}{rest}", placeholder.repeat(400))
}

#[test]
fn heavy_previews_of_one_user_do_not_delay_the_pages_and_previews_of_another() {
    let app = TestApp::start();
    let (alice, bob) = (app.alice(), app.bob());
    let message = |person, html: &str| {
        let message = json!({"subject": "News", "html": html});
        app.post(person, "/messages", &message).id()
    };
    let (heavy, light) = (message(&alice, &heavy()), message(&bob, "<p>{{ email }}"));
    let enough = AtomicBool::new(false);
    let load = || {
        let mut statuses = BTreeSet::new();
        while !enough.load(Ordering::Relaxed) {
            let path = format!("/messages/{heavy}/preview");
            statuses.insert(app.post(&alice, &path, &json!({})).status);
        }
        statuses
    };
    let statuses: BTreeSet<u16> = thread::scope(|scope| {
        let loads: Vec<_> = (0..16).map(|_| scope.spawn(load)).collect();
        for _ in 0..20 {
            app.get(&bob, "/messages").expect(200);
            let path = format!("/messages/{light}/preview");
            let preview = app.post(&bob, &path, &json!({})).expect(200);
            assert_eq!(preview["text"], "bob@example.org");
            let change = json!({"html": "<p>{{ email }}"});
            app.patch(&bob, &format!("/messages/{light}"), &change)
                .expect(200);
        }
        enough.store(true, Ordering::Relaxed);
        loads
            .into_iter()
            .flat_map(|load| load.join().unwrap())
            .collect()
    });
    // At most nine of hers are running or queued; the others are rejected.
    assert!(statuses.contains(&429), "{statuses:?}");
    assert!(
        statuses
            .iter()
            .all(|status| [200, 429, 503].contains(status)),
        "{statuses:?}"
    );
}

#[test]
fn a_message_whose_filters_would_read_too_much_is_refused_by_its_field() {
    let app = TestApp::start();
    let alice = app.alice();
    let chain = format!("{{{{ '{}' | upper | lower | title }}}}", "a".repeat(7_000)).repeat(100);
    for field in ["html", "text"] {
        let mut message = json!({"subject": "News", "html": "<p>Hi", "text": "Hi"});
        message[field] = json!(chain);
        app.post(&alice, "/messages", &message)
            .expect_invalid(field, "invalid_template");
        app.post(&alice, "/messages/preview", &message)
            .expect_invalid(field, "invalid_template");
    }
}
