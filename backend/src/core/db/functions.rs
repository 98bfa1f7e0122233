//! Functions of PostgreSQL that queries name.

use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};

define_sql_function! {
    /// In lower case, as the unique indexes on addresses have it.
    fn lower(text: Text) -> Text;
}

define_sql_function! {
    /// Whether an address matches a pattern for its stored form, or one for its form in Unicode.
    fn address_matches(address: Text, stored: Text, in_unicode: Nullable<Text>) -> Bool;
}
