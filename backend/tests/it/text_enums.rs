//! The names of enumerations: the same in the API, in the database and in logs, and never changed.

use std::fmt::Debug;
use std::str::FromStr;

use dispatch::accounts::audit_log::model::EventKind;
use dispatch::accounts::audit_log::model::SubjectKind;
use dispatch::accounts::auth::links::Purpose;
use dispatch::accounts::identity::Role;
use dispatch::accounts::identity::TokenScope;
use dispatch::accounts::transactional_mails::model::MailKind;
use dispatch::audience::suppressions::model::SuppressionReason;
use dispatch::core::language::Language;
use dispatch::delivery::deliveries::model::DeliveryStatus;
use dispatch::delivery::deliveries::model::FailedStatus;
use dispatch::delivery::deliveries::model::SkipReason;
use dispatch::delivery::mailings::model::OnUncertain;
use dispatch::delivery::mailings::recurrence::Note;
use dispatch::delivery::mailings::recurrence::Recurrence;
use dispatch::delivery::mailings::status::MailingStatus;
use dispatch::delivery::mailings::status::PostponeReason;
use dispatch::delivery::mailings::status::StateReason;
use dispatch::delivery::runs::model::Trigger;
use dispatch::delivery::runs::status::PauseReason;
use dispatch::delivery::runs::status::RunStatus;
use dispatch::delivery::smtp_server_health::model::Trouble;
use dispatch::delivery::smtp_servers::advice::Advice;
use dispatch::delivery::smtp_servers::advice::TestStage;
use dispatch::delivery::smtp_servers::dkim::SigningWarning;
use dispatch::delivery::smtp_servers::model::Encryption;
use dispatch::site::articles::model::ArticleStatus;
use serde::Serialize;
use serde_json::json;

/// Fails unless the values have these names, in this order, for serde and for strum.
fn check<T>(all: &[T], as_str: fn(T) -> &'static str, names: &str)
where
    T: Copy + Debug + PartialEq + Serialize + FromStr,
    T::Err: Debug,
{
    let found: Vec<&str> = all.iter().map(|value| as_str(*value)).collect();
    assert_eq!(found.join(" "), names);
    for value in all {
        let name = as_str(*value);
        assert_eq!(serde_json::to_value(value).unwrap(), json!(name));
        assert_eq!(name.parse::<T>().unwrap(), *value);
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a line for each enumeration")]
fn names_agree_between_the_api_the_database_and_logs() {
    check::<EventKind>(
        EventKind::ALL,
        EventKind::as_str,
        "signed_up confirmed signed_in sign_in_failed signed_out refresh_reused session_revoked password_reset password_changed email_changed token_created token_revoked user_blocked user_unblocked role_changed recipient_created recipient_changed recipient_deleted message_created message_changed message_deleted mailing_created mailing_changed mailing_deleted mailing_disabled mailing_enabled mailing_paused mailing_resumed mailing_cancelled run_started run_finished run_retried article_created article_changed article_published article_unpublished article_deleted smtp_server_created smtp_server_changed smtp_server_deleted password_reset_requested email_change_requested profile_changed avatar_changed avatar_removed image_uploaded quotas_changed suppression_added suppression_lifted unsubscribed subscribed_again invitation_created invitation_revoked invitation_accepted",
    );
    check::<SubjectKind>(
        SubjectKind::ALL,
        SubjectKind::as_str,
        "user recipient message mailing session token article smtp_server suppression invitation",
    );
    check::<Purpose>(Purpose::ALL, Purpose::as_str, "confirm reset email");
    check::<Role>(Role::ALL, Role::as_str, "user manager admin");
    check::<TokenScope>(TokenScope::ALL, TokenScope::as_str, "read full");
    check::<MailKind>(
        MailKind::ALL,
        MailKind::as_str,
        "confirm already_registered reset password_changed confirm_email email_changed invitation test",
    );
    check::<SuppressionReason>(
        SuppressionReason::ALL,
        SuppressionReason::as_str,
        "unsubscribed rejected manual",
    );
    check::<Language>(Language::ALL, Language::as_str, "ru en");
    check::<DeliveryStatus>(
        DeliveryStatus::ALL,
        DeliveryStatus::as_str,
        "pending deferred accepted rejected uncertain expired skipped",
    );
    check::<SkipReason>(
        SkipReason::ALL,
        SkipReason::as_str,
        "recipient_deleted suppressed cancelled",
    );
    check::<FailedStatus>(
        FailedStatus::ALL,
        FailedStatus::as_str,
        "rejected expired uncertain",
    );
    check::<OnUncertain>(OnUncertain::ALL, OnUncertain::as_str, "retry hold");
    check::<Recurrence>(
        Recurrence::ALL,
        Recurrence::as_str,
        "once daily weekly monthly",
    );
    check::<Note>(
        Note::ALL,
        Note::as_str,
        "dst_gap dst_overlap month_end at_once",
    );
    check::<MailingStatus>(
        MailingStatus::ALL,
        MailingStatus::as_str,
        "created running completed",
    );
    check::<StateReason>(
        StateReason::ALL,
        StateReason::as_str,
        "waiting sending finished window_over disabled owner_blocked paused content_rejected recipients_refused mail_server_defers mail_server_unreachable mail_server_refuses mail_server_does_not_confirm no_recipients quota_used_up",
    );
    check::<PostponeReason>(PostponeReason::ALL, PostponeReason::as_str, "quota_used_up");
    check::<Trigger>(Trigger::ALL, Trigger::as_str, "schedule manual cli");
    check::<RunStatus>(
        RunStatus::ALL,
        RunStatus::as_str,
        "running paused finished cancelled missed skipped_overlap",
    );
    check::<PauseReason>(
        PauseReason::ALL,
        PauseReason::as_str,
        "disabled owner_blocked paused content_rejected recipients_refused mail_server_defers mail_server_unreachable mail_server_refuses mail_server_does_not_confirm",
    );
    check::<Trouble>(
        Trouble::ALL,
        Trouble::as_str,
        "mail_server_unreachable mail_server_refuses mail_server_does_not_confirm",
    );
    check::<TestStage>(
        TestStage::ALL,
        TestStage::as_str,
        "resolve connect tls greeting ehlo auth sender done",
    );
    check::<Advice>(
        Advice::ALL,
        Advice::as_str,
        "works host_not_found address_not_allowed port_not_allowed no_connection no_answer not_smtp implicit_tls_expected starttls_expected starttls_not_offered tls_failed certificate_not_trusted refused auth_not_offered credentials_refused credentials_unreadable sender_refused try_later",
    );
    check::<SigningWarning>(
        SigningWarning::ALL,
        SigningWarning::as_str,
        "dkim_not_aligned dkim_ed25519_alone",
    );
    check::<Encryption>(
        Encryption::ALL,
        Encryption::as_str,
        "none starttls implicit",
    );
    check::<ArticleStatus>(
        ArticleStatus::ALL,
        ArticleStatus::as_str,
        "draft published all",
    );
}
