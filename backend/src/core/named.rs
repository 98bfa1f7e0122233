//! `named!`: an enumeration whose values have one name in the API, in the database and in the log.

/// Declares the enumeration with its names; provides `ALL`, `as_str`, `FromStr`, and what serde, utoipa and diesel
/// (through `deserialize_as = String`) need to use the same names.
macro_rules! named {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($(#[$doc:meta])* $value:ident = $text:tt),+ $(,)? }) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
        $(#[$meta])*
        $vis enum $name {
            $($(#[$doc])* #[serde(rename = $text)] $value),+
        }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$value),+];

            /// The name.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$value => $text),+
                }
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::core::named::UnknownName;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let found = Self::ALL.iter().copied().find(|value| value.as_str() == text);
                found.ok_or($crate::core::named::UnknownName)
            }
        }

        impl TryFrom<String> for $name {
            type Error = $crate::core::named::UnknownName;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }
    };
}

pub(crate) use named;

/// The text is not a known name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown name")]
pub struct UnknownName;
