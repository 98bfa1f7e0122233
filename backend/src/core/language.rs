//! The languages of the page and of transactional mails.

use crate::core::named::named;

named! {
    /// A language of the service.
    pub enum Language {
        Ru = "ru",
        En = "en",
    }
}
