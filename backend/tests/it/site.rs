//! The web application, served beside the API.

use std::fs;

use crate::support::app::TestApp;

#[test]
fn every_page_is_the_application_and_a_missing_asset_is_none() {
    let dir = std::env::temp_dir().join(format!("site-{}", std::process::id()));
    fs::create_dir_all(dir.join("assets")).unwrap();
    fs::write(dir.join("index.html"), "{\"page\": true}").unwrap();
    fs::write(dir.join("assets/app-1.js"), "1").unwrap();
    let app = TestApp::start_with(&[
        ("SMTP_URL", "smtp://127.0.0.1:9"),
        ("FRONTEND_DIR", dir.to_str().unwrap()),
    ]);
    let get = |path: &str| app.send_to(&format!("http://{}{path}", app.address), "GET", &[], None);
    for path in ["/", "/mailings", "/mailings/7/edit?tab=runs", "/confirm"] {
        let page = get(path);
        assert_eq!(
            (
                page.header("cache-control"),
                page.header("x-content-type-options")
            ),
            ("no-cache", "nosniff"),
            "{path}"
        );
        assert_eq!(page.expect(200)["page"], true, "{path}");
    }
    assert_eq!(
        get("/assets/app-1.js").header("cache-control"),
        "public, max-age=31536000, immutable"
    );
    let missing = get("/assets/app-0.js");
    assert_eq!(
        (missing.status, missing.header("cache-control")),
        (404, "no-store")
    );
    get("/api/v1/nothing").expect_problem(404, "not_found");
    get("/api/nothing").expect_problem(404, "not_found");
    let posted = app.send_to(
        &format!("http://{}/mailings", app.address),
        "POST",
        &[],
        None,
    );
    assert_eq!(posted.status, 405);
    fs::remove_dir_all(dir).unwrap();
}
