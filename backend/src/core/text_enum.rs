//! `text_enum!`: an enumeration whose values have the same name in the API, in the database and in logs.
//!
//! serde and strum derive the names; `tests/it/text_enums.rs` checks that they agree.

/// Implements what strum and serde do not derive: `ALL`, `as_str`, and the conversion that diesel needs for
/// `deserialize_as = String`. The enumeration must derive `EnumString`, `IntoStaticStr` (with `const_into_str`) and
/// `VariantArray`.
macro_rules! text_enum {
    ($name:ident) => {
        impl $name {
            /// All values, in the order of declaration.
            pub const ALL: &'static [Self] = <Self as strum::VariantArray>::VARIANTS;

            /// The name in the API, in the database and in logs.
            pub const fn as_str(self) -> &'static str {
                self.into_str()
            }
        }

        impl TryFrom<String> for $name {
            type Error = strum::ParseError;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }
    };
}

pub(crate) use text_enum;
