use std::cell::RefCell;
use std::collections::BTreeSet;

use super::super::names::VARIABLES;
use super::*;

#[test]
fn every_variable_that_is_read_is_known() {
    let asked = RefCell::new(BTreeSet::new());
    // A previous key, so that its end is read too.
    let binding = |name: &str| {
        asked.borrow_mut().insert(name.to_owned());
        (name == "WALNUT_WEBHOOK_KEY_PREVIOUS").then(|| "old".to_owned())
    };
    assert!(Config::read(binding, &[], &parse).is_ok());
    assert_eq!(asked.into_inner(), VARIABLES.map(str::to_owned).into());
}

#[test]
fn suggests_the_variable_for_a_misspelling() {
    for (set, meant) in [
        ("MAX_ATTEMPT", "MAX_ATTEMPTS"),
        ("ADMIN_TOKN", "ADMIN_TOKEN"),
        ("max_event_age", "MAX_EVENT_AGE"),
        ("MAX-BODY-BYTES", "MAX_BODY_BYTES"),
        ("MDOE", "MODE"),
        ("DESTINATION", "DESTINATIONS"),
        ("DESTINATION_2", "DESTINATIONS_2"),
        ("DESTINATIONS_10", "DESTINATIONS_2"),
        ("ALERT_FROMAT", "ALERT_FORMAT"),
        ("RETENTION_D", "RETENTION"),
        ("ORIGIN_TIMEOUTMS", "ORIGIN_TIMEOUT"),
    ] {
        let sentence = format!("{set} is not a variable of the edge: did you mean {meant}?");
        assert_eq!(mistakes(&[(set, Some("1"))]), [sentence]);
        assert_eq!(warnings(&[(set, Some("1"))]), Vec::<String>::new());
    }
    assert_eq!(
        mistakes(&[("WALNUT_WEBHOOK_KEY", None), ("WALNUT_WEBHOOK_KEYS", Some("key"))])[0],
        "WALNUT_WEBHOOK_KEYS is not a variable of the edge: did you mean WALNUT_WEBHOOK_KEY?"
    );
}

#[test]
fn a_misspelling_beside_its_variable_is_a_warning() {
    let both = [("MAX_ATTEMPTS", Some("3")), ("MAX_ATTEMPT", Some("4"))];
    assert_eq!(mistakes(&both), Mistakes::new());
    assert_eq!(named(&warnings(&both)), ["MAX_ATTEMPT"]);
    assert_eq!(settings(&both).limits.max_attempts, 3);
}

#[test]
fn warns_of_alert_settings_without_a_url() {
    let mut both = vec![("ALERT_SILENCE", Some("24h")), ("ALERT_FORMAT", Some("teams"))];
    let sentences = [
        "ALERT_FORMAT has no effect without ALERT_URL",
        "ALERT_SILENCE has no effect without ALERT_URL",
    ];
    assert_eq!(warnings(&both), sentences);
    both.push(("ALERT_URL", Some("https://alerts.example")));
    assert_eq!(warnings(&both), Mistakes::new());
}

#[test]
fn warns_of_unknown_variables() {
    let unknown = [("LOG_LEVEL", Some("debug")), ("HOME", Some("/root"))];
    let settings = settings(&unknown);
    assert_eq!(settings.mistakes, Mistakes::new());
    assert_eq!(named(&settings.warnings), ["HOME", "LOG_LEVEL"]);
    // They are not mistakes in direct mode either.
    assert!(read(&[unknown[0], ("MODE", Some("direct"))]).is_ok());
}

#[test]
fn a_failpoint_is_a_variable_only_in_builds_with_failpoints() {
    let failpoints = [("FAILPOINT", Some("stored")), ("FAILPOINT_URL", Some("http://localhost"))];
    let expected: &[&str] =
        if cfg!(feature = "failpoints") { &[] } else { &["FAILPOINT", "FAILPOINT_URL"] };
    assert_eq!(named(&warnings(&failpoints)), expected);
}

#[test]
fn names_the_new_name_of_a_renamed_variable() {
    for (old, new, example) in [
        ("ORIGIN_TIMEOUT_MS", "ORIGIN_TIMEOUT", "20s"),
        ("RETENTION_DAYS", "RETENTION", "7d"),
        ("ALERT_SILENCE_HOURS", "ALERT_SILENCE", "24h"),
    ] {
        let sentence = format!(
            "{old} is now {new}, whose value has a unit: remove {old}, and set {new}, such as {new}={example}"
        );
        assert_eq!(mistakes(&[(old, Some("7"))]), [&*sentence]);
        assert_eq!(mistakes(&[(old, Some("7")), (new, Some("20s"))]), [sentence]);
        assert_eq!(mistakes(&[(new, Some(example))]), Mistakes::new());
    }
    // If the old and the new name are set, the new one is used.
    let both = settings(&[("RETENTION_DAYS", Some("30")), ("RETENTION", Some("2d"))]);
    assert_eq!(both.retention_ms, 2 * DAY_MS);
}

#[test]
fn asks_for_the_unit_of_a_duration() {
    for (name, example) in [
        ("MAX_EVENT_AGE", "72h"),
        ("MAX_DELIVERY_AGE", "3d"),
        ("ORIGIN_TIMEOUT", "20s"),
        ("RETENTION", "7d"),
        ("ALERT_SILENCE", "24h"),
    ] {
        for bare in ["72", "1.5", "20000"] {
            let sentence =
                format!("{name} must have a unit, such as {example}: add ms, s, m, h or d");
            assert_eq!(mistakes(&[(name, Some(bare))]), [sentence], "{name}={bare}");
        }
        let zero = mistakes(&[(name, Some("0"))]);
        assert_eq!(zero.is_empty(), name == "MAX_EVENT_AGE", "{zero:?}");
    }
    assert_eq!(settings(&[("MAX_EVENT_AGE", Some("0s"))]).max_event_age_ms, None);
}

#[test]
fn no_sentence_contains_a_name_that_may_be_a_value() {
    for secret in ["9f86d081884c7d65", "s3cret", "MAX_ATTEMPT$", "whsec_MfKQ", "é", &"A".repeat(65)]
    {
        let settings = settings(&[(secret, Some("1"))]);
        let sentences = [settings.mistakes.concat(), settings.warnings.concat()].concat();
        assert!(!sentences.is_empty() && !sentences.contains(secret), "{sentences}");
    }
}

#[test]
fn reports_settings_that_direct_mode_does_not_support() {
    let direct = |name, value| [("MODE", Some("direct")), (name, Some(value))];
    let setup = direct("SETUP", "1");
    assert_eq!(
        mistakes(&setup),
        ["SETUP needs MODE=durable: with MODE=direct, the edge can store nothing"]
    );
    let destinations = |fields: &str, more| {
        let json = format!(r#"[{{"name":"a","url":"https://a.example"{fields}}}]"#);
        mistakes(&[
            ("MODE", Some("direct")),
            ("ORIGIN_URL", None),
            ("DESTINATIONS", Some(&json)),
            ("DESTINATIONS_2", more),
        ])
    };
    let second = r#"[{"name":"b","url":"https://b.example"}]"#;
    assert_eq!(destinations("", None), Mistakes::new());
    assert_eq!(destinations(r#","tests":true"#, None), Mistakes::new());
    for (fields, more, beginning) in [
        ("", Some(second), "DESTINATIONS has more than one entry, or further lists"),
        (r#","events":["x"]"#, None, "DESTINATIONS has events"),
        (r#","tests":false"#, None, "DESTINATIONS has tests"),
    ] {
        let all = destinations(fields, more);
        assert!(all.len() == 1 && all.concat().starts_with(beginning), "{all:?}");
    }
    let without_key = [setup[0], setup[1], ("WALNUT_WEBHOOK_KEY", None)];
    assert_eq!(named(&mistakes(&without_key)), ["SETUP", "WALNUT_WEBHOOK_KEY"]);
    assert_eq!(mistakes(&direct("SETUP", "0")), Mistakes::new());
    for (name, value) in
        [("QUARANTINE", "0"), ("QUARANTINE", "1"), ("CLIENT_IP_HEADER", "x-real-ip")]
    {
        let settings = settings(&direct(name, value));
        assert_eq!(named(&settings.warnings), [name]);
        assert_eq!(warnings(&[(name, Some(value))]), Vec::<String>::new());
    }
}
