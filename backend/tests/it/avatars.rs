//! Pictures of users (R-21).

use std::io::Cursor;

use chrono::TimeDelta;
use diesel::prelude::*;
use dispatch::core::db::schema::avatars;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use serde_json::{Value, json};

use crate::support::answer::Answer;
use crate::support::app::TestApp;
use crate::support::people::Person;

fn picture(format: ImageFormat, colour: [u8; 3]) -> Vec<u8> {
    let picture: DynamicImage = RgbImage::from_pixel(40, 30, Rgb(colour)).into();
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn put(app: &TestApp, person: &Person, kind: &str, image: &[u8]) -> Answer {
    let headers = [person.bearer(), ("content-type", kind.to_owned())];
    app.send_bytes("PUT", "/me/avatar", &headers, image)
}

fn fetch(app: &TestApp, url: &Value) -> Answer {
    let url = format!("http://{}{}", app.address, url.as_str().unwrap());
    app.send_to(&url, "GET", &[], None)
}

#[test]
fn a_picture_in_any_format_is_reduced_to_a_small_square() {
    let app = TestApp::start();
    let alice = app.alice();
    for (kind, format) in [
        ("image/png", ImageFormat::Png),
        ("image/jpeg", ImageFormat::Jpeg),
        ("image/webp", ImageFormat::WebP),
    ] {
        let me = put(&app, &alice, kind, &picture(format, [200, 30, 60])).expect(200);
        assert_eq!(app.get(&alice, "/me").expect(200), me);
        let shown = fetch(&app, &me["avatar_url"]);
        for (name, value) in [
            ("content-type", "image/webp"),
            ("cache-control", "public, max-age=31536000, immutable"),
            ("x-content-type-options", "nosniff"),
        ] {
            assert_eq!(shown.header(name), value);
        }
        assert_eq!(shown.status, 200);
        let shown = image::load_from_memory_with_format(&shown.bytes, ImageFormat::WebP).unwrap();
        assert_eq!((shown.width(), shown.height()), (256, 256));
    }
}

#[test]
fn a_picture_can_be_replaced_and_removed() {
    let app = TestApp::start();
    let (alice, bob) = (app.alice(), app.bob());
    let show = |colour| {
        app.wait(TimeDelta::seconds(1));
        put(
            &app,
            &alice,
            "image/png",
            &picture(ImageFormat::Png, colour),
        )
        .expect(200)["avatar_url"]
            .clone()
    };
    let (first, second) = (show([1, 2, 3]), show([1, 2, 3]));
    assert_ne!(first, second, "a name says nothing and is never used again");
    fetch(&app, &first).expect_problem(404, "not_found");
    fetch(&app, &second).expect(200);
    app.delete(&bob, "/me/avatar").expect(204);
    fetch(&app, &second).expect(200);
    for _ in 0..2 {
        app.delete(&alice, "/me/avatar").expect(204);
        fetch(&app, &second).expect_problem(404, "not_found");
    }
    assert_eq!(
        app.get(&alice, "/me").expect(200)["avatar_url"],
        json!(null)
    );
    let kept: i64 = avatars::table.count().get_result(&mut app.sql()).unwrap();
    assert_eq!(kept, 0);
}

#[test]
fn a_body_that_is_not_an_image_is_rejected_whatever_its_media_type() {
    let app = TestApp::start();
    let alice = app.alice();
    let svg = br#"<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>"#;
    let png = picture(ImageFormat::Png, [0, 0, 0]);
    for kind in ["image/png", "image/svg+xml", "text/html"] {
        for body in [
            &svg[..],
            b"GIF89a\x01\x00\x01\x00\x00\x00\x00;",
            b"",
            b"\x00",
            &png[..40],
        ] {
            put(&app, &alice, kind, body).expect_invalid("image", "unsupported_image");
        }
    }
    assert_eq!(
        app.get(&alice, "/me").expect(200)["avatar_url"],
        json!(null)
    );
    let headers = [("content-type", "image/png".to_owned())];
    app.send_bytes("PUT", "/me/avatar", &headers, &png)
        .expect_problem(401, "unauthenticated");
}

#[test]
fn a_picture_over_5_mb_is_too_large() {
    let app = TestApp::start();
    let alice = app.alice();
    let mut large = picture(ImageFormat::Png, [0, 0, 0]);
    large.resize(5 * 1024 * 1024 + 1, 0);
    let refused = put(&app, &alice, "image/png", &large).expect_problem(413, "payload_too_large");
    assert_eq!(
        (
            &refused["fields"][0]["field"],
            &refused["fields"][0]["code"]
        ),
        (&json!("image"), &json!("too_large"))
    );
    // What follows a picture is nobody's business.
    large.truncate(5 * 1024 * 1024);
    put(&app, &alice, "image/png", &large).expect(200);
}

#[test]
fn concurrent_uploads_leave_one_picture() {
    let app = TestApp::start();
    let alice = app.alice();
    let image = picture(ImageFormat::Png, [9, 9, 9]);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| put(&app, &alice, "image/png", &image).expect(200));
        }
    });
    let kept: Vec<String> = avatars::table
        .select(avatars::name)
        .load(&mut app.sql())
        .unwrap();
    let shown = app.get(&alice, "/me").expect(200)["avatar_url"].clone();
    assert_eq!(kept.len(), 1);
    assert_eq!(shown, format!("/api/v1/avatars/{}", kept[0]));
}

#[test]
fn an_unknown_name_is_not_found() {
    let app = TestApp::start();
    for name in [
        "x.webp",
        "%00.webp",
        ".webp",
        "..%2F..%2Fetc%2Fpasswd",
        "%FF.webp",
        "x.png",
        "'.webp",
    ] {
        app.send("GET", &format!("/avatars/{name}"), &[], None)
            .expect_problem(404, "not_found");
    }
}
