//! DMARC alignment: whether a signature's domain belongs to the sender's organization. Receivers that check DMARC
//! ignore other signatures (RFC 7489, 3.1.1, relaxed). Pure.

/// Whether a signature of this domain is aligned with a sender of that one: both have the same organizational domain.
pub fn is_aligned(signing: &str, sender: &str) -> bool {
    let (signing, sender) = (ascii(signing), ascii(sender));
    signing == sender
        || organisation(&signing).is_some_and(|one| organisation(&sender) == Some(one))
}

fn organisation(domain: &str) -> Option<&str> {
    psl::domain_str(domain)
}

fn ascii(domain: &str) -> String {
    let domain = domain.trim_end_matches('.');
    idna::domain_to_ascii(domain).unwrap_or_else(|_| domain.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_aligned_with_senders_of_its_organisation() {
        for (signing, sender, aligned) in [
            ("example.org", "example.org", true),
            ("Example.ORG", "example.org", true),
            ("example.org", "news.example.org", true),
            ("mail.example.org", "example.org", true),
            ("mail.example.org", "news.example.org", true),
            ("xn--80a1acny.xn--p1ai", "почта.рф", true),
            ("example.co.uk", "news.example.co.uk", true),
            ("example.com", "example.org", false),
            ("badexample.org", "example.org", false),
            ("co.uk", "example.co.uk", false),
            ("other.co.uk", "example.co.uk", false),
            ("org", "example.org", false),
            ("ann.github.io", "bob.github.io", false),
            ("dispatch.localhost", "dispatch.localhost", true),
        ] {
            assert_eq!(
                is_aligned(signing, sender),
                aligned,
                "{signing} for {sender}"
            );
        }
    }
}
