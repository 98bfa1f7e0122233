//! Reports who may open an account, and the default quotas.

use super::findings::Findings;
use crate::accounts::admission::sign_up_policy::{DomainPattern, SignUpPolicy};
use crate::accounts::quotas::model::{AccountQuotas, OwnerQuotas};
use crate::config::Config;

pub(super) fn sign_up(config: &Config, findings: &Findings) {
    let message = match &config.auth.sign_up {
        SignUpPolicy::Open => "anyone may open an account".to_owned(),
        SignUpPolicy::Invited => "accounts require an invitation".to_owned(),
        SignUpPolicy::Domains(patterns) => {
            let names: Vec<_> = patterns.iter().map(DomainPattern::text).collect();
            format!(
                "accounts are open to addresses at {}; others require an invitation",
                names.join(", ")
            )
        }
        SignUpPolicy::Closed => "sign-up is closed".to_owned(),
    };
    if config.deployment.production && config.auth.sign_up == SignUpPolicy::Open {
        findings.warn(
            "sign-up",
            message,
            "anyone can send mail through your mail server: set SIGN_UP to invited, domains:example.org or closed, unless this is intended",
        );
    } else {
        findings.ok("sign-up", message);
    }
}

pub(super) fn quotas(config: &Config, findings: &Findings) {
    let account = AccountQuotas {
        has_defaults: true,
        ..AccountQuotas::default()
    };
    let OwnerQuotas {
        recipients,
        mails_a_day,
    } = config.quotas.of(account);
    let number = |quota: Option<i64>| {
        quota.map_or_else(
            || "an unlimited number of".to_owned(),
            |max| format!("at most {max}"),
        )
    };
    let message = format!(
        "a new account may keep {} recipients and send {} mails within 24 hours",
        number(recipients),
        number(mails_a_day)
    );
    if config.deployment.production && (recipients.is_none() || mails_a_day.is_none()) {
        findings.warn(
            "quotas",
            message,
            "one account can exhaust your mail server and harm its reputation: set QUOTA_RECIPIENTS and QUOTA_MAILS_A_DAY above 0, and raise the quotas of individual accounts",
        );
    } else {
        findings.ok("quotas", message);
    }
}
