//! The owner of a row in queries: as a condition, and as a column with the address of the owner.

use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Bool, Text};

use crate::core::owners::Owners;

/// The condition that this column refers to one of the owners.
pub fn owned_by<Column>(column: Column, owners: Owners) -> OwnedBy<Column> {
    OwnedBy { column, owners }
}

/// See [`owned_by`].
#[derive(Debug, Clone, Copy)]
pub struct OwnedBy<Column> {
    column: Column,
    owners: Owners,
}

impl<Column: Expression<SqlType = BigInt>> Expression for OwnedBy<Column> {
    type SqlType = Bool;
}

impl<Column, Source> AppearsOnTable<Source> for OwnedBy<Column>
where
    Column: AppearsOnTable<Source>,
    Self: Expression,
{
}

impl<Column, Source> SelectableExpression<Source> for OwnedBy<Column>
where
    Column: SelectableExpression<Source>,
    Self: AppearsOnTable<Source>,
{
}

impl<Column: ValidGrouping<By>, By> ValidGrouping<By> for OwnedBy<Column> {
    type IsAggregate = Column::IsAggregate;
}

/// The SQL depends on the owners, so that the statement has no static id.
impl<Column> QueryId for OwnedBy<Column> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Column: QueryFragment<Pg>> QueryFragment<Pg> for OwnedBy<Column> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        match &self.owners {
            Owners::One(id) => {
                self.column.walk_ast(out.reborrow())?;
                out.push_sql(" = ");
                out.push_bind_param::<BigInt, i64>(id)
            }
            Owners::All => {
                out.push_sql("TRUE");
                Ok(())
            }
        }
    }
}

/// The type of [`owner_email()`].
#[expect(
    non_camel_case_types,
    reason = "diesel finds the type of a function's result by the function's name"
)]
pub type owner_email<Column> = OwnerEmail<Column>;

/// The address of the owner to whom this column refers. A subquery in the selected columns, evaluated only for the returned
/// rows, whereas a join would be evaluated for all sorted rows.
pub fn owner_email<Column>(owner_id: Column) -> owner_email<Column> {
    OwnerEmail { owner_id }
}

/// See [`owner_email`].
#[derive(Debug, Clone, Copy, QueryId)]
pub struct OwnerEmail<Column> {
    owner_id: Column,
}

impl<Column: Expression<SqlType = BigInt>> Expression for OwnerEmail<Column> {
    type SqlType = Text;
}

impl<Column, Source> AppearsOnTable<Source> for OwnerEmail<Column>
where
    Column: AppearsOnTable<Source>,
    Self: Expression,
{
}

impl<Column, Source> SelectableExpression<Source> for OwnerEmail<Column>
where
    Column: SelectableExpression<Source>,
    Self: AppearsOnTable<Source>,
{
}

impl<Column: ValidGrouping<By>, By> ValidGrouping<By> for OwnerEmail<Column> {
    type IsAggregate = Column::IsAggregate;
}

impl<Column: QueryFragment<Pg>> QueryFragment<Pg> for OwnerEmail<Column> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("(SELECT owners.email FROM users AS owners WHERE owners.id = ");
        self.owner_id.walk_ast(out.reborrow())?;
        out.push_sql(")");
        Ok(())
    }
}
