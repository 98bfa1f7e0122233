//! The SQL condition under which an address is suppressed.

/// Condition: the owner must not mail this address. Both are SQL expressions.
pub fn is_suppressed(owner_id: &str, email: &str) -> String {
    format!(
        "EXISTS (SELECT FROM suppressions s WHERE s.owner_id = {owner_id} AND lower(s.email) = lower({email}))"
    )
}
