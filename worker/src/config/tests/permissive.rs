use super::*;

const LONGEST_AGE: Option<u64> = Some(90 * DAY_MS);

/// Checks the value that replaces a mistake in a setting.
fn assert_permissive(name: &str, settings: &Settings) {
    assert!(settings.holds(), "{name}");
    match name {
        "MAX_BODY_BYTES" => assert_eq!(settings.max_body_bytes, 1_572_864),
        "MAX_EVENT_AGE" => assert_eq!(settings.max_event_age_ms, LONGEST_AGE),
        "MAX_ATTEMPTS" => assert_eq!(settings.limits.max_attempts, 1000),
        "MAX_DELIVERY_AGE" => assert_eq!(settings.limits.max_age_ms, 30 * DAY_MS),
        "ORIGIN_TIMEOUT" => assert_eq!(settings.timeout_ms, 28_000),
        "RETENTION" => assert_eq!(settings.retention_ms, 90 * DAY_MS),
        "MAX_STORED_MB" => assert_eq!(settings.max_stored_bytes, 9_000_000_000),
        "ALERT_SILENCE" => assert_eq!(settings.silence_ms, None),
        "WEBHOOK_PATH" => assert_eq!(settings.path, None),
        "ADMIN_TOKEN" => assert_eq!(settings.admin_token, None),
        "ALERT_URL" => assert_eq!(settings.alert_url, None),
        "ALERT_FORMAT" => assert_eq!(settings.alert_format, AlertFormat::Json),
        "SETUP" => assert!(settings.setup),
        "QUARANTINE" => assert!(settings.quarantine),
        "CLIENT_IP_HEADER" => assert_eq!(settings.client_ip_header, "cf-connecting-ip"),
        "JURISDICTION" => assert_eq!(settings.jurisdiction.as_deref(), Some("?eu")),
        "SHARDS" => assert_eq!(settings.shards, 1),
        other => panic!("{other}"),
    }
}

const ALL: [&str; 17] = [
    "MAX_BODY_BYTES",
    "MAX_EVENT_AGE",
    "MAX_ATTEMPTS",
    "MAX_DELIVERY_AGE",
    "ORIGIN_TIMEOUT",
    "RETENTION",
    "MAX_STORED_MB",
    "ALERT_SILENCE",
    "WEBHOOK_PATH",
    "ADMIN_TOKEN",
    "ALERT_URL",
    "ALERT_FORMAT",
    "SETUP",
    "QUARANTINE",
    "CLIENT_IP_HEADER",
    "JURISDICTION",
    "SHARDS",
];

#[test]
fn a_mistake_becomes_the_most_permissive_value() {
    for name in ALL {
        for value in ["", "@ @"] {
            let settings = settings(&[(name, Some(value))]);
            assert_eq!(named(&settings.mistakes), [name]);
            assert_permissive(name, &settings);
        }
    }
}

#[test]
fn a_misspelt_variable_gets_the_most_permissive_value() {
    for name in ALL.into_iter().filter(|name| *name != "ALERT_URL" && *name != "ADMIN_TOKEN") {
        // The valid value would be less permissive.
        for value in ["1", "1s"] {
            assert_permissive(name, &settings(&[(&format!("{name}X"), Some(value))]));
        }
    }
    for (old, name) in [("ORIGIN_TIMEOUT_MS", "ORIGIN_TIMEOUT"), ("RETENTION_DAYS", "RETENTION")] {
        assert_permissive(name, &settings(&[(old, Some("7"))]));
    }
}

#[test]
fn an_invalid_jurisdiction_becomes_the_nearest_or_else_eu() {
    for (value, place) in [
        ("EU", "eu"),
        ("FedRAMP", "fedramp"),
        ("fed-ramp", "fedramp"),
        ("fedrmp", "fedramp"),
        ("us", "eu"),
        ("", "eu"),
    ] {
        let settings = settings(&[("JURISDICTION", Some(value))]);
        assert_eq!(named(&settings.mistakes), ["JURISDICTION"], "{value}");
        assert_eq!(settings.jurisdiction, Some(format!("?{place}")), "{value}");
    }
    let settings = settings(&[("JURISDICTON", Some("fedramp"))]);
    assert_eq!(settings.jurisdiction.as_deref(), Some("?fedramp"));
}

#[test]
fn a_misspelt_mode_is_durable_and_an_invalid_one_accepts_nothing() {
    let settings = settings(&[("MODES", Some("direct"))]);
    assert!(settings.holds() && settings.mode == Mode::Durable);
    let all = read(&[("MODE", Some("Durable")), ("SHARDS", Some("0"))]).err();
    assert_eq!(named(&all.unwrap()), ["MODE", "SHARDS"]);
}

#[test]
fn a_mistake_in_direct_mode_accepts_nothing() {
    for (name, value) in [("SHARDS", "0"), ("MAX_ATTEMPT", "1"), ("RETENTION_DAYS", "7")] {
        let all = read(&[("MODE", Some("direct")), (name, Some(value))]).err();
        assert_eq!(named(&all.unwrap()), [name]);
    }
}

#[test]
fn without_a_valid_end_the_previous_key_is_not_valid() {
    for until in [None, Some(""), Some("tomorrow"), Some("1970-01-31T00:00:00Z")] {
        let changes = |mode| {
            [
                ("MODE", Some(mode)),
                ("WALNUT_WEBHOOK_KEY_PREVIOUS", Some("old")),
                ("WALNUT_WEBHOOK_KEY_PREVIOUS_UNTIL", until),
            ]
        };
        let settings = settings(&changes("durable"));
        assert_eq!(named(&settings.mistakes), ["WALNUT_WEBHOOK_KEY_PREVIOUS_UNTIL"]);
        assert!(!accepts_previous(&settings));
        assert_eq!(settings.previous_until, None);
        let direct = read(&changes("direct")).and_then(|config| config.at(0)).err();
        assert_eq!(named(&direct.unwrap()), ["WALNUT_WEBHOOK_KEY_PREVIOUS_UNTIL"]);
    }
}

#[test]
fn without_a_key_nothing_is_verified() {
    for changes in [
        [("WALNUT_WEBHOOK_KEY", None), ("SETUP", None)],
        [("WALNUT_WEBHOOK_KEY", None), ("SETUP", Some("1"))],
        [("WALNUT_WEBHOOK_KEY", Some("")), ("SETUP", Some("1"))],
    ] {
        let settings = settings(&changes);
        assert!(settings.verifier.is_none());
        let is_mistake = changes != [("WALNUT_WEBHOOK_KEY", None), ("SETUP", Some("1"))];
        assert_eq!(settings.holds(), is_mistake);
    }
}
