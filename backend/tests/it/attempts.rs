//! The log of all attempts, as its owner reads it.

use serde_json::json;

use crate::support::app::TestApp;
use crate::support::smtp_server::{Rule, ScriptedServer};

#[test]
fn the_log_is_filtered_and_paged_by_key() {
    let server =
        ScriptedServer::start().on("r3@example.org", Rule::refuse(550, "5.1.1 no such user"));
    let app = TestApp::sending_through(&server);
    let (alice, bob) = (app.alice(), app.bob());
    let ids: Vec<i64> = (0..7)
        .map(|n| app.recipient(&alice, &format!("r{n}@example.org")))
        .collect();
    let mailing = app.mailing(&alice, &json!({}));
    app.tick();

    let found = |filter: &str| {
        app.get(&alice, &format!("/attempts?{filter}")).expect(200)["items"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(
        (
            found(""),
            found("outcome=rejected"),
            found("outcome=accepted")
        ),
        (7, 1, 6)
    );
    assert_eq!(
        (
            found(&format!("recipient_id={}", ids[3])),
            found(&format!("mailing_id={mailing}")),
            found("mailing_id=999")
        ),
        (1, 7, 0)
    );
    assert_eq!(
        (
            found("from=2026-05-01T10:00:00Z"),
            found("to=2026-05-01T10:00:00Z")
        ),
        (7, 0)
    );
    let first = app.get(&alice, "/attempts?limit=4").expect(200);
    let rest = app
        .get(
            &alice,
            &format!(
                "/attempts?limit=4&cursor={}",
                first["next_cursor"].as_str().unwrap()
            ),
        )
        .expect(200);
    let mut seen: Vec<i64> = [&first, &rest]
        .iter()
        .flat_map(|page| page["items"].as_array().unwrap())
        .map(|a| a["recipient"]["id"].as_i64().unwrap())
        .collect();
    seen.sort_unstable();
    assert_eq!((seen, rest["next_cursor"].is_null()), (ids, true));
    assert!(app.log(&bob).is_empty());
    // ["-9999-01-01T00:00:00Z",1,1,1]
    app.get(
        &alice,
        "/attempts?cursor=WyItOTk5OS0wMS0wMVQwMDowMDowMFoiLDEsMSwxXQ",
    )
    .expect_invalid("cursor", "wrong_type");
    app.get(&alice, "/attempts?cursor=abc")
        .expect_invalid("cursor", "wrong_type");
    app.get(&alice, "/attempts?outcome=sent")
        .expect_invalid("outcome", "unknown_value");
}
