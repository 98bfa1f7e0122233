//! Whether a permanent refusal of a recipient is about the address itself. Only then may it count against the
//! address: most refusals are about the sender (block lists, relaying, authentication), whatever their code. Pure.

use std::sync::LazyLock;

use crate::reply::Reply;

/// What the enhanced status code says about the address (RFC 3463 and the IANA registry).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RefusalSubject {
    /// The address cannot be mailed.
    Address,
    /// The refusal is about something else.
    Other,
    /// Not determined: the text decides.
    Unstated,
}

/// Whether a 5xx at RCPT means that the mailbox does not exist. The enhanced code decides; without one, a known text
/// does. A text about the sender overrides both.
pub(super) fn is_unusable(reply: &Reply) -> bool {
    let text = words(&reply.text);
    let subject = match code(reply) {
        Some(code) => subject(code),
        None => RefusalSubject::Unstated,
    };
    let names_no_mailbox = match subject {
        RefusalSubject::Address => true,
        RefusalSubject::Other => false,
        RefusalSubject::Unstated => UNKNOWN_USER.iter().any(|phrase| phrase.is_in(&text)),
    };
    names_no_mailbox && !ABOUT_SENDER.iter().any(|phrase| phrase.is_in(&text))
}

/// In its standard position, or within the text as in qmail: `sorry, no mailbox here by that name. (#5.1.1)`.
fn code(reply: &Reply) -> Option<&str> {
    let within = || {
        let (_, behind) = reply.text.split_once('#')?;
        let end = behind.find(|c: char| !c.is_ascii_digit() && c != '.');
        let code = behind.get(..end.unwrap_or(behind.len()))?;
        let code = code.trim_end_matches('.');
        code.starts_with("5.").then_some(code)
    };
    reply.enhanced.as_deref().or_else(within)
}

fn subject(code: &str) -> RefusalSubject {
    match code {
        // X.1.0 other address status · X.1.1 bad mailbox · X.1.2 bad host · X.1.3 bad syntax · X.1.4 ambiguous · X.1.6 moved
        // · X.1.10 the domain takes no mail (null MX, RFC 7505) · X.2.1 mailbox disabled.
        "5.1.0" | "5.1.1" | "5.1.2" | "5.1.3" | "5.1.4" | "5.1.6" | "5.1.10" | "5.2.1" => {
            RefusalSubject::Address
        }
        // X.0.0 is unspecified.
        "5.0.0" => RefusalSubject::Unstated,
        // X.1.5 the address is valid · X.1.7, X.1.8 the sender's · X.1.9 a relay does not conform · X.2.2 full, X.2.3 too long,
        // X.2.4 its list · X.3 their system · X.4 the network · X.5 the protocol · X.6 the content · X.7 security, policy.
        _ => RefusalSubject::Other,
    }
}

/// A pattern for refusals: consecutive words, `*` for up to two arbitrary words.
struct Phrase(Vec<&'static str>);

static UNKNOWN_USER: LazyLock<Vec<Phrase>> =
    LazyLock::new(|| phrases(include_str!("unknown_user.txt")));
static ABOUT_SENDER: LazyLock<Vec<Phrase>> =
    LazyLock::new(|| phrases(include_str!("about_sender.txt")));

fn phrases(file: &'static str) -> Vec<Phrase> {
    let lines = file.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| Phrase(line.split(' ').collect()))
        .collect()
}

impl Phrase {
    fn is_in(&self, text: &[String]) -> bool {
        (0..text.len()).any(|start| begins(&self.0, text.get(start..).unwrap_or_default()))
    }
}

fn begins(phrase: &[&str], text: &[String]) -> bool {
    match (phrase, text) {
        ([], _) => true,
        (["*", phrase @ ..], _) => {
            (0..=text.len().min(2)).any(|gap| begins(phrase, text.get(gap..).unwrap_or_default()))
        }
        ([word, phrase @ ..], [first, text @ ..]) => word == first && begins(phrase, text),
        (_, []) => false,
    }
}

/// The words of a text, without addresses and links: `<no-relay@example.org>: User unknown` is not about relaying.
fn words(text: &str) -> Vec<String> {
    let delimits = |c: char| c.is_whitespace() || "<>()[]{}\"`;:,=".contains(c);
    let parts = text
        .split_whitespace()
        .filter(|part| !part.contains("://"))
        .flat_map(|part| part.split(delimits))
        .filter(|part| !part.contains('@'));
    parts
        .flat_map(|part| part.split(|c: char| !c.is_alphanumeric() && !is_apostrophe(c)))
        .map(|word| word.replace(is_apostrophe, "").to_lowercase())
        .filter(|word| !word.is_empty())
        .collect()
}

const fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '’')
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn teaches(line: &str) -> bool {
        let (reply, _) = Reply::parse(format!("{line}\r\n").as_bytes())
            .unwrap()
            .unwrap();
        is_unusable(&reply)
    }

    #[test]
    fn the_forms_are_written_as_they_are_compared_and_once() {
        for file in [
            include_str!("unknown_user.txt"),
            include_str!("about_sender.txt"),
        ] {
            let mut seen = HashSet::new();
            for phrase in phrases(file) {
                let line = phrase.0.join(" ");
                let compared = words(&line.replace('*', "star")).join(" ");
                assert_eq!(line.replace('*', "star"), compared, "as it is compared");
                assert!(phrase.0.first() != Some(&"*") && phrase.0.last() != Some(&"*"));
                assert!(seen.insert(line.clone()), "{line} stands there twice");
            }
        }
    }

    #[test]
    fn no_form_of_an_unknown_user_is_also_about_the_sender() {
        for phrase in UNKNOWN_USER.iter() {
            let text: Vec<_> = phrase.0.iter().map(|word| (*word).to_owned()).collect();
            assert!(
                !ABOUT_SENDER.iter().any(|other| other.is_in(&text)),
                "{text:?}"
            );
        }
    }

    #[test]
    fn only_codes_about_the_address_decide_alone() {
        for code in [
            "5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.4", "5.1.6", "5.1.10", "5.2.1",
        ] {
            assert!(teaches(&format!("550 {code} no")), "{code}");
        }
        for (subject, details) in [
            (0, 0..1),
            (1, 0..10),
            (2, 0..5),
            (3, 0..7),
            (4, 0..8),
            (5, 0..7),
            (6, 0..11),
            (7, 0..31),
        ] {
            for detail in details {
                let code = format!("5.{subject}.{detail}");
                let expected = matches!((subject, detail), (1, 0..=4 | 6) | (2, 1));
                assert_eq!(teaches(&format!("554 {code} no")), expected, "{code}");
            }
        }
        assert!(
            !teaches("550 5.7.1 No such user"),
            "the code is the server's word"
        );
    }

    #[test]
    fn known_texts_of_servers_without_a_code_count_against_the_address() {
        for line in [
            "550 <ann@example.org>: Recipient address rejected: User unknown in virtual mailbox table",
            "550 User unknown in relay recipient table",
            "550 no such user",
            "550 No Such User Here",
            "550 Unrouteable address",
            "550 ann@example.org... User unknown",
            "550 sorry, no mailbox here by that name. (#5.1.1)",
            "511 sorry, no mailbox here by that name (#5.1.1 - chkuser)",
            "550 The email account that you tried to reach does not exist. Please try double-checking https://support.google.com/mail/?p=NoSuchUser x - gsmtp",
            "554 delivery error: dd This user doesn't have a yahoo.com account (ann@yahoo.com) [0] - mta1001.mail.bf1.yahoo.com",
            "554 delivery error: dd This user doesn't have a yahoo.co.uk account (ann@yahoo.co.uk) [0] - mta1001.mail.ir2.yahoo.com",
            "550 Message was not accepted -- invalid mailbox.  Local mailbox ann@mail.ru is unavailable: user not found",
            "550 Requested action not taken: mailbox unavailable",
            "550 User ann (ann@example.org) not listed in Domino Directory",
            "550 Unknown user: ann@example.org",
            "550 User (ann) unknown",
            "550 #5.1.0 Address rejected.",
            "550 <spam@blocked.example>: no such user",
            "550 Нет такого пользователя",
        ] {
            assert!(teaches(line), "{line}");
        }
    }

    #[test]
    fn a_text_about_us_counts_against_no_address_whatever_its_code() {
        for line in [
            "550 Blocked - see https://bl.example",
            "553 sorry, relaying denied",
            "550 5.1.1 Blocked using zen.spamhaus.org",
            "550 5.1.1 <ann@example.org>: Recipient address rejected: Access denied",
            "550 5.1.1 Service unavailable; client host [192.0.2.1] blocked",
            "550-Verification failed for <news@example.com>\r\n550-No Such User Here\r\n550 Sender verify failed",
            "550 5.1.0 Sender denied",
            "530 5.1.1 Authentication required",
            "550 Requested action not taken: mailbox unavailable (policy reasons)",
            "550 5.2.1 The user you are trying to contact is receiving mail at a rate that prevents more",
            "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)",
            "550 no such user (#5.7.1)",
            "550 5.1.1 Message looks like spam",
            "550 Originator address unknown",
            "550 Could not verify: return address unknown",
            "550 Callback verification failed: address does not exist",
            "550 Your account has been disabled",
            "550 Your mailbox is disabled for outgoing mail",
            "550 No such user; your ISP is on our refuse list",
            "550 5.1.1 Non-existent sending domain",
            "550 5.1.1 Connection refused due to abuse",
            "550 5.1.1 Recipient address rejected: Harvesting detected",
            "550 5.1.1 You must use TLS",
            "550 5.1.1 throttling, come back later",
            "550 5.1.1 Recipient over daily limit",
            "550 5.2.1 Mailbox accepts mail only from members",
            "550 5.1.1 Absender abgelehnt",
            "550 expéditeur refusé, utilisateur inconnu",
            "550 remitente rechazado: usuario desconocido",
            "550 адрес не существует (отправитель)",
        ] {
            assert!(!teaches(line), "{line}");
        }
    }

    #[test]
    fn a_text_that_is_not_known_counts_against_no_address() {
        for line in [
            "550",
            "550 no",
            "550 rejected",
            "551 User not local",
            "553 not tonight",
            "554 transaction failed",
            "501 syntax error",
        ] {
            assert!(!teaches(line), "{line}");
        }
    }

    proptest! {
        #[test]
        fn the_address_in_a_text_decides_nothing(local in "[a-z._+-]{1,20}", domain in "[a-z-]{1,20}\\.[a-z]{2,5}") {
            let refused = |before: &str, after: &str| teaches(&format!("550 {before}<{local}@{domain}>{after}"));
            prop_assert!(refused("", ": user unknown"));
            prop_assert!(!refused("", ": relaying denied"));
            prop_assert!(!refused("rejected: ", ""));
        }
    }
}
