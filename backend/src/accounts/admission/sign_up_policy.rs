//! Who may open an account, according to `SIGN_UP`. Pure.

use std::str::FromStr;

use smtp::dkim::domain;

/// Who may open an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignUpPolicy {
    /// Anyone.
    Open,
    /// Only with an invitation.
    Invited,
    /// Addresses at one of these domains; others with an invitation.
    Domains(Vec<DomainPattern>),
    /// No one; `dispatch create-admin` still creates administrators.
    Closed,
}

/// Permitted domains, in ASCII.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DomainPattern {
    /// `example.org`: this domain without subdomains.
    Exactly(String),
    /// `*.example.org`: all subdomains, without the domain itself.
    Below(String),
}

/// The result of a sign-up, regardless of whether the address is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// An account whose address has to be confirmed.
    Unconfirmed,
    /// An account, if the invitation is valid; the invitation confirms the address.
    ByInvitation,
    /// The invitation is mailed again, if there is one for the address.
    Reminder,
}

/// Why an account may not be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAdmitted {
    #[error("sign-up is closed")]
    Closed,
    #[error("addresses at this domain may not sign up without an invitation")]
    Domain,
}

/// An invalid value of `SIGN_UP`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnknownPolicy {
    #[error("open, invited, domains:example.org,*.example.net or closed")]
    Word,
    #[error("domains: needs at least one domain, as in domains:example.org,*.example.net")]
    NoDomain,
    #[error("{0} is not a domain such as example.org or *.example.org")]
    Domain(String),
}

impl SignUpPolicy {
    /// The result of a sign-up with this address, with or without an invitation. It does not depend on what is known
    /// about the address, so the response does not reveal whether it is registered or invited.
    pub fn admit(&self, email: &str, has_invitation: bool) -> Result<Admission, NotAdmitted> {
        match self {
            Self::Closed => Err(NotAdmitted::Closed),
            _ if has_invitation => Ok(Admission::ByInvitation),
            Self::Open => Ok(Admission::Unconfirmed),
            Self::Invited => Ok(Admission::Reminder),
            Self::Domains(patterns) if patterns.iter().any(|pattern| pattern.has(email)) => {
                Ok(Admission::Unconfirmed)
            }
            Self::Domains(_) => Err(NotAdmitted::Domain),
        }
    }

    /// Whether invitations can be accepted.
    pub fn takes_invitations(&self) -> bool {
        *self != Self::Closed
    }
}

impl DomainPattern {
    fn has(&self, email: &str) -> bool {
        let name = email.rsplit_once('@').and_then(|(_, name)| domain(name));
        let Some(name) = name else {
            return false;
        };
        match self {
            Self::Exactly(wanted) => name == *wanted,
            Self::Below(above) => {
                let rest = name.strip_suffix(above.as_str());
                rest.is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
            }
        }
    }

    /// Formats the value as in the configuration.
    pub fn text(&self) -> String {
        match self {
            Self::Exactly(name) => name.clone(),
            Self::Below(name) => format!("*.{name}"),
        }
    }
}

impl FromStr for DomainPattern {
    type Err = UnknownPolicy;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let below = text.strip_prefix("*.");
        let name = domain(below.unwrap_or(text)).filter(|name| name.contains('.'));
        let name = name.ok_or_else(|| UnknownPolicy::Domain(text.to_owned()))?;
        Ok(match below {
            Some(_) => Self::Below(name),
            None => Self::Exactly(name),
        })
    }
}

impl FromStr for SignUpPolicy {
    type Err = UnknownPolicy;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "open" => return Ok(Self::Open),
            "invited" => return Ok(Self::Invited),
            "closed" => return Ok(Self::Closed),
            _ => {}
        }
        let named = text.strip_prefix("domains:").ok_or(UnknownPolicy::Word)?;
        let named = named
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty());
        let patterns: Vec<_> = named.map(str::parse).collect::<Result<_, _>>()?;
        if patterns.is_empty() {
            Err(UnknownPolicy::NoDomain)
        } else {
            Ok(Self::Domains(patterns))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(policy: &str, email: &str) -> bool {
        let policy: SignUpPolicy = policy.parse().unwrap();
        policy.admit(email, false) == Ok(Admission::Unconfirmed)
    }

    #[test]
    fn a_domain_lets_in_itself_and_a_star_only_what_is_below_it() {
        let policy = "domains:example.org, *.Example.net,bücher.example";
        for email in [
            "ann@example.org",
            "ann@EXAMPLE.org",
            "ann@mail.example.net",
            "ann@a.b.example.net",
            "ann@xn--bcher-kva.example",
            "ann@bu\u{308}cher.example",
        ] {
            assert!(admitted(policy, email), "{email}");
        }
        for email in [
            "ann@mail.example.org",
            "ann@example.net",
            "ann@notexample.org",
            "ann@notexample.net",
            "ann@example.org.evil.example",
            "ann@example.org@evil.example",
            "example.org",
            "ann@.example.net",
        ] {
            assert!(!admitted(policy, email), "{email}");
        }
    }

    #[test]
    fn only_an_invitation_leads_past_the_domains_and_nothing_past_closed() {
        let admit = |policy: &str, has_invitation| {
            let policy: SignUpPolicy = policy.parse().unwrap();
            policy.admit("ann@example.com", has_invitation)
        };
        let domains = "domains:example.org";
        assert_eq!(admit(domains, false), Err(NotAdmitted::Domain));
        assert_eq!(admit("invited", false), Ok(Admission::Reminder));
        for policy in ["open", "invited", domains] {
            assert_eq!(admit(policy, true), Ok(Admission::ByInvitation));
        }
        for has_invitation in [false, true] {
            let refused = admit("closed", has_invitation);
            assert_eq!(refused, Err(NotAdmitted::Closed));
        }
    }

    #[test]
    fn what_is_no_policy_is_not_taken_for_one() {
        for text in [
            "",
            "Open",
            "yes",
            "domain:example.org",
            "domains",
            "domains:",
            "domains: ,",
            "domains:*",
            "domains:*.",
            "domains:org",
            "domains:example.org,*",
            "domains:ann@example.org",
            "domains:a.*.example.org",
            "invited,closed",
        ] {
            assert!(text.parse::<SignUpPolicy>().is_err(), "{text}");
        }
    }
}
