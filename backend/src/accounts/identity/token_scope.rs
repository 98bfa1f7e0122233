//! What an API token may be used for.

use crate::core::named::named;

named! {
    /// How far a token reaches: reading only, or everything that its owner may do.
    #[schema(as = Scope)]
    pub enum TokenScope {
        Read = "read",
        Full = "full",
    }
}
