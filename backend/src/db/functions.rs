//! Functions of PostgreSQL that queries name.

use diesel::prelude::*;
use diesel::sql_types::Text;

define_sql_function! {
    /// In lower case, as the unique indexes on addresses have it.
    fn lower(text: Text) -> Text;
}
