//! What people type into a search is looked for as it stands.

use super::{administrator, operations};
use crate::support::app::TestApp;

#[test]
fn a_wildcard_finds_itself_in_every_list_and_not_everything() {
    let app = TestApp::start();
    let admin = administrator(&app);
    let lists: Vec<_> = operations()
        .into_iter()
        .filter(|list| list.query.iter().any(|(name, _)| name == "q"))
        .collect();
    assert!(lists.len() >= 5, "{lists:?}");
    for list in lists {
        let path = list.at("1");
        let found = |q: &str| app.get(&admin, &format!("{path}?q={q}")).status;
        let count = |q: &str| {
            let answer = app.get(&admin, &format!("{path}?q={q}")).expect(200);
            answer["items"].as_array().unwrap().len()
        };
        if found("a") == 404 {
            // A part of something that this administrator has none of.
            continue;
        }
        // Of what is there: News, friend@…, enemy@…, admin@….
        for wildcard in [
            "%25",
            "%5C",
            "%25%25",
            "_%25",
            "N_ws",
            "fr_end",
            "en_my",
            "adm_n",
            "f%25d",
            "'%20OR%201%3D1%20--",
        ] {
            assert_eq!(count(wildcard), 0, "{path}?q={wildcard}");
        }
    }
    app.recipient(&admin, "100_percent@example.org");
    let found = app.get(&admin, "/recipients?q=0_P").expect(200);
    assert_eq!(found["total"], 1);
}

#[test]
fn a_list_is_sorted_by_nothing_but_what_it_names() {
    let app = TestApp::start();
    let admin = administrator(&app);
    for list in operations() {
        if !list.query.iter().any(|(name, _)| name == "sort") {
            continue;
        }
        for sort in [
            "password_hash",
            "id%3B--",
            "email%20desc",
            "(select%201)",
            "--",
            "-",
        ] {
            let query = format!("{}?sort={sort}", list.at("1"));
            app.get(&admin, &query)
                .expect_invalid("sort", "unknown_value");
        }
    }
}
