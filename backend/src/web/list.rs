//! The query of a list: the page, the order, and the filters of the list.

use std::future::{Ready, ready};
use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use utoipa::IntoParams;
use utoipa::openapi::Schema;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use validator::{Validate, ValidationErrors};

use super::error::ApiError;
use super::page::{default_per_page, first_page};
use super::query::parse;
use crate::core::paging::{PageWindow, Paging};

/// The page of a list.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Counts from 1.
    #[serde(default = "first_page")]
    #[validate(range(min = 1, max = 1_000_000, code = "out_of_range"))]
    #[param(default = 1, minimum = 1, maximum = 1_000_000)]
    pub page: u32,
    #[serde(default = "default_per_page")]
    #[validate(range(min = 1, max = 100, code = "out_of_range"))]
    #[param(default = 20, minimum = 1, maximum = 100)]
    pub per_page: u32,
}

/// Extractor for the query of a list: `page` and `per_page`, and all other parameters as `Q`. Fails with 422, naming the
/// invalid parameters.
#[derive(Debug)]
pub struct ListQuery<Q> {
    pub paging: Paging,
    pub filters: Q,
}

impl<Q: DeserializeOwned + Validate> FromRequest for ListQuery<Q> {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(list_query(req.query_string()))
    }
}

fn list_query<Q: DeserializeOwned + Validate>(query: &str) -> Result<ListQuery<Q>, ApiError> {
    let part = |of_page: bool| {
        let pairs = form_urlencoded::parse(query.as_bytes());
        let pairs = pairs.filter(|(name, _)| of_page == matches!(&**name, "page" | "per_page"));
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish()
    };
    match (parse(&part(true)), parse(&part(false))) {
        (Ok(PageQuery { page, per_page }), Ok(filters)) => Ok(ListQuery {
            paging: Paging { page, per_page },
            filters,
        }),
        (Err(page), Err(filters)) => Err(ApiError::invalid(
            [page.fields(), filters.fields()].concat(),
        )),
        (Err(error), Ok(_)) | (Ok(_), Err(error)) => Err(error),
    }
}

/// The filters of a list that has none.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoFilters {}

impl Validate for NoFilters {
    fn validate(&self) -> Result<(), ValidationErrors> {
        Ok(())
    }
}

/// What a list can be sorted by.
pub trait SortKey: FromStr + Default + Copy + 'static {
    /// The values of `sort`: each key in ascending order, and after a minus in descending order.
    const VALUES: &'static [&'static str];
}

/// The order of a list. By default the descending order of the default key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort<K> {
    pub key: K,
    pub descending: bool,
}

impl<K> Sort<K> {
    /// Whether the rows of this page are read in descending order.
    pub fn is_descending(&self, window: PageWindow) -> bool {
        self.descending != window.backwards
    }
}

impl<K: SortKey> Default for Sort<K> {
    fn default() -> Self {
        Self {
            key: K::default(),
            descending: true,
        }
    }
}

impl<'de, K: SortKey> Deserialize<'de> for Sort<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let (name, descending) = match text.strip_prefix('-') {
            Some(name) => (name, true),
            None => (&*text, false),
        };
        let key = name.parse();
        let key = key.map_err(|_unknown| D::Error::unknown_variant(&text, K::VALUES))?;
        Ok(Self { key, descending })
    }
}

impl<K: SortKey> Sort<K> {
    /// The schema of the parameter, for `schema_with`.
    pub fn schema() -> Schema {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("The order of the list; a minus means descending."))
            .enum_values(Some(K::VALUES.iter().copied()))
            .into()
    }
}

/// Orders a diesel query by a key and, for equal keys, by the id.
macro_rules! ordered {
    ($rows:expr, $descending:expr, $key:expr, $id:expr) => {
        if $descending {
            $rows.order(($key.desc(), $id.desc()))
        } else {
            $rows.order(($key.asc(), $id.asc()))
        }
    };
}

pub(crate) use ordered;

#[cfg(test)]
mod tests {
    use strum::EnumString;

    use super::*;

    #[derive(Debug, Default, Clone, Copy, PartialEq, Eq, EnumString)]
    #[strum(serialize_all = "snake_case")]
    enum TestKey {
        #[default]
        CreatedAt,
        Name,
    }

    impl SortKey for TestKey {
        const VALUES: &'static [&'static str] = &["created_at", "-created_at", "name", "-name"];
    }

    #[derive(Debug, Deserialize, Validate)]
    #[serde(deny_unknown_fields)]
    struct TestQuery {
        #[serde(default)]
        sort: Sort<TestKey>,
        #[validate(length(max = 3, code = "too_long"))]
        q: Option<String>,
    }

    #[test]
    fn a_query_is_split_into_the_page_the_order_and_the_filters() {
        let query = list_query::<TestQuery>("q=abc&sort=name&page=3").unwrap();
        let paging = Paging {
            page: 3,
            per_page: 20,
        };
        assert_eq!(query.paging, paging);
        assert_eq!(query.filters.q.as_deref(), Some("abc"));
        let ascending = Sort {
            key: TestKey::Name,
            descending: false,
        };
        assert_eq!(query.filters.sort, ascending);
        let newest_first = Sort {
            key: TestKey::CreatedAt,
            descending: true,
        };
        assert_eq!(
            list_query::<TestQuery>("").unwrap().filters.sort,
            newest_first
        );
    }

    #[test]
    fn invalid_parameters_of_page_and_filters_are_reported_together() {
        let error = list_query::<TestQuery>("page=0&q=abcd").unwrap_err();
        let names: Vec<_> = error.fields().iter().map(|field| &*field.field).collect();
        assert_eq!(names, ["page", "q"]);
        assert!(list_query::<TestQuery>("sort=--name").is_err());
        assert!(list_query::<TestQuery>("sort=id").is_err());
        assert!(list_query::<TestQuery>("pages=1").is_err());
    }
}
