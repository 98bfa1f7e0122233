//! The templates of transactional mails, compiled in.

/// The files of `backend/templates` with their names.
macro_rules! compiled_in {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/templates/", $name)))),+]
    };
}

pub(super) const TEMPLATES: &[(&str, &str)] = compiled_in![
    "layout.html",
    "already_registered.en.html",
    "already_registered.en.txt",
    "already_registered.ru.html",
    "already_registered.ru.txt",
    "confirm.en.html",
    "confirm.en.txt",
    "confirm.ru.html",
    "confirm.ru.txt",
    "confirm_email.en.html",
    "confirm_email.en.txt",
    "confirm_email.ru.html",
    "confirm_email.ru.txt",
    "email_changed.en.html",
    "email_changed.en.txt",
    "email_changed.ru.html",
    "email_changed.ru.txt",
    "invitation.en.html",
    "invitation.en.txt",
    "invitation.ru.html",
    "invitation.ru.txt",
    "password_changed.en.html",
    "password_changed.en.txt",
    "password_changed.ru.html",
    "password_changed.ru.txt",
    "reset.en.html",
    "reset.en.txt",
    "reset.ru.html",
    "reset.ru.txt",
];
