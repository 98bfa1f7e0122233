//! When the breaker opens, whom it lets through, and what closes it.

use smtp::disposition::Outcome;

use super::*;

fn disposition(reason: Reason) -> Disposition {
    Disposition {
        outcome: Outcome::Unreachable,
        reason,
    }
}

fn open() -> Breaker {
    let mut breaker = Breaker::default();
    for _ in 0..5 {
        breaker.failed(
            disposition(Reason::ServerTrouble),
            Stage::Greeting,
            "refused",
        );
    }
    assert!(breaker.is_open() && !breaker.may_begin());
    breaker
}

#[test]
fn five_failures_in_a_row_open_it_and_four_do_not() {
    let mut breaker = Breaker::default();
    for _ in 0..3 {
        for _ in 0..4 {
            assert!(!breaker.failed(
                disposition(Reason::ServerTrouble),
                Stage::Greeting,
                "refused"
            ));
        }
        breaker.worked();
    }
    assert!(breaker.may_begin());
    assert_eq!(
        open().change(),
        Some(&BreakerChange::Opened(
            Trouble::Unreachable,
            "refused".into()
        ))
    );
}

#[test]
fn refused_credentials_open_it_at_once() {
    let mut breaker = Breaker::default();
    assert!(breaker.failed(disposition(Reason::Configuration), Stage::Greeting, "535"));
    assert_eq!(
        breaker.change(),
        Some(&BreakerChange::Opened(Trouble::Refuses, "535".into()))
    );
}

#[test]
fn a_probe_is_one_mail_and_decides() {
    let mut breaker = open();
    let change = breaker.change().cloned().unwrap();
    breaker.persisted(&change);
    breaker.probe();
    assert!(breaker.may_begin() && !breaker.may_begin());
    assert!(breaker.failed(
        disposition(Reason::ServerTrouble),
        Stage::Greeting,
        "still not"
    ));
    assert_eq!(breaker.change(), None, "the outage is already known");
    breaker.probe();
    assert!(breaker.may_begin());
    breaker.worked();
    assert_eq!(breaker.change(), Some(&BreakerChange::Closed));
    assert!(breaker.may_begin() && breaker.may_begin());
}

#[test]
fn a_refused_recipient_shows_that_the_server_works() {
    let mut breaker = open();
    breaker.probe();
    breaker.failed(disposition(Reason::RecipientPermanent), Stage::Rcpt, "550");
    assert!(breaker.may_begin() && breaker.may_begin());
}

fn confirms_nothing(breaker: &mut Breaker) -> bool {
    breaker.failed(
        disposition(Reason::Uncertain),
        Stage::Dot,
        "connection closed",
    )
}

#[test]
fn five_mails_without_an_answer_after_the_dot_open_it_and_other_answers_do_not_count() {
    let mut breaker = Breaker::default();
    for _ in 0..4 {
        assert!(!confirms_nothing(&mut breaker));
        breaker.failed(disposition(Reason::RecipientRefused), Stage::Rcpt, "550");
    }
    breaker.failed(disposition(Reason::Transient), Stage::Dot, "451");
    for _ in 0..4 {
        assert!(!confirms_nothing(&mut breaker));
    }
    breaker.worked();
    for _ in 0..4 {
        assert!(!confirms_nothing(&mut breaker));
    }
    assert!(confirms_nothing(&mut breaker) && breaker.is_open());
    let opened = BreakerChange::Opened(Trouble::DoesNotConfirm, "connection closed".into());
    assert_eq!(breaker.change(), Some(&opened));
}

#[test]
fn a_probe_that_is_not_confirmed_is_the_only_one() {
    let mut breaker = Breaker::default();
    for _ in 0..5 {
        confirms_nothing(&mut breaker);
    }
    breaker.probe();
    assert!(breaker.may_begin());
    breaker.failed(disposition(Reason::RecipientRefused), Stage::Rcpt, "550");
    assert!(breaker.may_begin() && !breaker.may_begin(), "still probing");
    assert!(confirms_nothing(&mut breaker) && breaker.is_open());
    breaker.probe();
    assert!(breaker.may_begin());
    assert!(breaker.worked() && breaker.may_begin() && breaker.may_begin());
}

#[test]
fn a_server_left_to_other_processes_is_tried_by_one_mail_after_half_a_minute_or_once_none_works() {
    let left = Instant::now();
    let soon = left + Duration::from_secs(29);
    for (now, works_elsewhere) in [(left + LEFT_TO_OTHERS_WAIT, true), (soon, false)] {
        let mut breaker = Breaker::default();
        breaker.leave_to_others(left);
        breaker.close_by_others();
        breaker.try_again(soon, true);
        assert!(!breaker.may_begin(), "too soon");
        breaker.try_again(now, works_elsewhere);
        assert!(breaker.may_begin() && !breaker.may_begin());
        breaker.worked();
        assert!(breaker.may_begin() && breaker.may_begin());
        assert_eq!(breaker.change(), None, "it was open in this process only");
    }
}

#[test]
fn an_outage_after_the_server_was_left_to_others_opens_it_for_all() {
    let mut breaker = Breaker::default();
    breaker.leave_to_others(Instant::now());
    breaker.try_again(Instant::now(), false);
    for _ in 0..5 {
        assert_eq!(breaker.change(), None);
        assert!(breaker.may_begin());
        breaker.failed(
            disposition(Reason::ServerTrouble),
            Stage::Greeting,
            "refused",
        );
    }
    assert!(breaker.is_open() && breaker.change().is_some());
}

#[test]
fn what_other_processes_say_counts_unless_we_know_better() {
    let mut breaker = Breaker::default();
    breaker.open_by_others();
    assert!(!breaker.may_begin());
    breaker.close_by_others();
    assert!(breaker.may_begin());
    let mut ours = open();
    ours.close_by_others();
    assert!(ours.is_open(), "not published yet");
}
