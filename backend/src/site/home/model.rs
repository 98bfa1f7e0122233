//! The content of the home page.

use serde::Serialize;
use utoipa::ToSchema;

use crate::accounts::admission::sign_up_policy::{DomainPattern, SignUpPolicy};
use crate::site::articles::model::ArticleSummary;

/// Statistics of the service, and articles.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Home {
    #[serde(flatten)]
    pub totals: Totals,
    /// Up to three random articles.
    #[schema(max_items = 3)]
    pub articles: Vec<ArticleSummary>,
}

/// Who may open an account here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignUpRule {
    /// Anyone.
    Open,
    /// Only with an invitation.
    Invited,
    /// Addresses at one of `sign_up_domains`; others with an invitation.
    Domains,
    /// No one.
    Closed,
}

/// Settings of the installation.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Site {
    pub sign_up: SignUpRule,
    /// A name matches this domain only, one with `*.` its subdomains; empty unless `sign_up` is `domains`.
    #[schema(example = json!(["example.org", "*.example.net"]))]
    pub sign_up_domains: Vec<String>,
}

impl From<&SignUpPolicy> for Site {
    fn from(policy: &SignUpPolicy) -> Self {
        let (sign_up, patterns) = match policy {
            SignUpPolicy::Open => (SignUpRule::Open, &[][..]),
            SignUpPolicy::Invited => (SignUpRule::Invited, &[][..]),
            SignUpPolicy::Domains(patterns) => (SignUpRule::Domains, patterns.as_slice()),
            SignUpPolicy::Closed => (SignUpRule::Closed, &[][..]),
        };
        Self {
            sign_up,
            sign_up_domains: patterns.iter().map(DomainPattern::text).collect(),
        }
    }
}

/// Totals over all users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Totals {
    #[schema(example = 120, minimum = 0)]
    pub mailings_total: i64,
    /// Mailings that are running now: within their window, not disabled, with an owner who is not blocked.
    #[schema(example = 7, minimum = 0)]
    pub mailings_active: i64,
    /// Distinct addresses of all users, ignoring case.
    #[schema(example = 54_000, minimum = 0)]
    pub unique_recipients: i64,
}
