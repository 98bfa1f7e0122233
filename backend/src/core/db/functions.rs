//! SQL functions used in queries.

use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};

define_sql_function! {
    /// Lower case, as in the unique indexes on addresses.
    fn lower(text: Text) -> Text;
}

define_sql_function! {
    /// Whether an address matches the pattern for its stored form or the one for its Unicode form.
    fn address_matches(address: Text, stored: Text, in_unicode: Nullable<Text>) -> Bool;
}
