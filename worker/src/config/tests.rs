mod destinations;
mod names;
mod permissive;

use std::collections::BTreeMap;

use walnut_webhooks::Key;

use super::duration::{HOUR_MS, SECOND_MS};
use super::*;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// The changes to the smallest valid configuration; `None` removes a variable.
type Changes<'a> = &'a [(&'a str, Option<&'a str>)];

fn read(changes: Changes<'_>) -> Result<Config, Mistakes> {
    let mut set = BTreeMap::from([
        ("WALNUT_WEBHOOK_KEY", "key"),
        ("ORIGIN_URL", "https://origin.example/walnut"),
    ]);
    for (name, value) in changes {
        match value {
            Some(value) => set.insert(name, value),
            None => set.remove(name),
        };
    }
    let names: Vec<String> = set.keys().map(|name| (*name).to_owned()).collect();
    Config::read(|name| set.get(name).map(|value| (*value).to_owned()), &names, &parse)
}

/// Parses a URL with the `url` crate, which follows the same standard as the platform.
fn parse(text: &str) -> Option<Url> {
    let url = ::url::Url::parse(text).ok()?;
    Some(Url {
        protocol: format!("{}:", url.scheme()),
        username: url.username().to_owned(),
        password: url.password().unwrap_or_default().to_owned(),
        hostname: url.host_str().unwrap_or_default().to_owned(),
        href: url.into(),
    })
}

/// Reads settings, which may have mistakes.
fn settings(changes: Changes<'_>) -> Rc<Settings> {
    read(changes).and_then(|config| config.at(0)).unwrap()
}

fn mistakes(changes: Changes<'_>) -> Mistakes {
    match read(changes).and_then(|config| config.at(0)) {
        Ok(settings) => settings.mistakes.clone(),
        Err(mistakes) => mistakes,
    }
}

fn warnings(changes: Changes<'_>) -> Vec<String> {
    settings(changes).warnings.clone()
}

/// Reads a list of destinations.
fn listed(json: &str) -> Result<Vec<Destination>, Mistakes> {
    let settings = settings(&[("ORIGIN_URL", None), ("DESTINATIONS", Some(json))]);
    if settings.holds() {
        Err(settings.mistakes.clone())
    } else {
        Ok(settings.destinations.clone())
    }
}

/// Reads one destination with further fields after its name and URL, and returns its mistakes.
fn mistakes_of(fields: &str) -> Mistakes {
    let json = format!(r#"[{{"name":"crm","url":"https://crm.example",{fields}}}]"#);
    listed(&json).err().unwrap_or_default()
}

/// Returns the variables that the sentences begin with.
fn named(mistakes: &Mistakes) -> Vec<&str> {
    mistakes.iter().filter_map(|mistake| mistake.split([' ', ':']).next()).collect()
}

#[test]
fn the_defaults_are_as_documented() {
    let settings = settings(&[]);
    assert_eq!(settings.warnings, Vec::<String>::new());
    assert_eq!(settings.path.as_deref(), Some("/webhook"));
    assert_eq!(settings.max_body_bytes, 1024 * 1024);
    assert_eq!(settings.mode, Mode::Durable);
    assert_eq!(settings.timeout_ms, 20_000);
    assert_eq!(settings.shards, 1);
    assert_eq!(settings.jurisdiction, None);
    assert_eq!(settings.max_event_age_ms, Some(72 * HOUR_MS));
    assert_eq!(settings.limits, Limits { max_attempts: 200, max_age_ms: 72 * HOUR_MS });
    assert_eq!(settings.retention_ms, 7 * DAY_MS);
    assert_eq!(settings.max_stored_bytes, 9_000_000_000);
    assert_eq!(settings.admin_token, None);
    assert_eq!(settings.alert_url, None);
    assert_eq!(settings.alert_format, AlertFormat::Json);
    assert_eq!(settings.silence_ms, None);
    assert_eq!(settings.previous_until, None);
    assert!(!settings.setup && settings.quarantine);
    assert_eq!(settings.client_ip_header, "cf-connecting-ip");

    let [origin] = settings.destinations.as_slice() else { panic!("one destination") };
    assert_eq!(origin.name, "origin");
    assert_eq!(origin.url, "https://origin.example/walnut");
    assert_eq!(origin.events, None);
    assert!(origin.tests);
    assert!(origin.headers.is_empty());
    assert!(origin.secret.is_none());
}

#[test]
fn reads_every_setting() {
    let settings = settings(&[
        ("MODE", Some("durable")),
        ("ALLOW_LOOPBACK", Some("0")),
        ("WEBHOOK_PATH", Some("/hooks/walnut")),
        ("ORIGIN_TIMEOUT", Some("1.5s")),
        ("SHARDS", Some("16")),
        ("JURISDICTION", Some("eu")),
        ("MAX_EVENT_AGE", Some("0")),
        ("MAX_ATTEMPTS", Some("3")),
        ("MAX_DELIVERY_AGE", Some("90m")),
        ("RETENTION", Some("0.5d")),
        ("MAX_STORED_MB", Some("100")),
        ("ADMIN_TOKEN", Some("0123456789abcdef0123456789abcdef")),
        ("ALERT_URL", Some("https://alerts.example/hook?a=b")),
        ("ALERT_FORMAT", Some("teams")),
        ("ALERT_SILENCE", Some("1.5h")),
        ("SETUP", Some("1")),
        ("QUARANTINE", Some("0")),
        ("CLIENT_IP_HEADER", Some("X-Real-IP")),
    ]);
    assert_eq!(settings.mistakes, Mistakes::new());
    assert_eq!(settings.mode, Mode::Durable);
    assert_eq!(settings.path.as_deref(), Some("/hooks/walnut"));
    assert_eq!(settings.timeout_ms, 1500);
    assert!(settings.setup && !settings.quarantine);
    assert_eq!(settings.client_ip_header, "x-real-ip");
    assert_eq!(settings.shards, 16);
    assert_eq!(settings.jurisdiction.as_deref(), Some("eu"));
    assert_eq!(settings.max_event_age_ms, None);
    assert_eq!(settings.limits, Limits { max_attempts: 3, max_age_ms: 5400 * SECOND_MS });
    assert_eq!(settings.retention_ms, 12 * HOUR_MS);
    assert_eq!(settings.max_stored_bytes, 100_000_000);
    assert_eq!(settings.admin_token.as_deref(), Some("0123456789abcdef0123456789abcdef"));
    assert_eq!(settings.alert_url.as_deref(), Some("https://alerts.example/hook?a=b"));
    assert_eq!(settings.alert_format, AlertFormat::Teams);
    assert_eq!(settings.silence_ms, Some(90 * 60 * SECOND_MS));
}

/// The variables that are read before the keys, in the order of their mistakes.
const BEFORE_KEYS: [&str; 20] = [
    "ALLOW_LOOPBACK",
    "MODE",
    "WEBHOOK_PATH",
    "MAX_BODY_BYTES",
    "ORIGIN_TIMEOUT",
    "ORIGIN_URL",
    "SHARDS",
    "JURISDICTION",
    "MAX_EVENT_AGE",
    "MAX_ATTEMPTS",
    "MAX_DELIVERY_AGE",
    "RETENTION",
    "MAX_STORED_MB",
    "ADMIN_TOKEN",
    "ALERT_URL",
    "ALERT_FORMAT",
    "ALERT_SILENCE",
    "SETUP",
    "QUARANTINE",
    "CLIENT_IP_HEADER",
];

#[test]
fn lists_every_mistake_at_once() {
    let all = mistakes(&[
        ("WALNUT_WEBHOOK_KEY", None),
        ("WALNUT_WEBHOOK_KEY_PREVIOUS", Some("old")),
        ("ORIGIN_URL", Some("ftp://origin.example")),
        ("ORIGIN_TIMEOUT", Some("28001ms")),
        ("MAX_BODY_BYTES", Some("1.5")),
        ("MODE", Some("carefree")),
        ("WEBHOOK_PATH", Some("webhook")),
        ("ALLOW_LOOPBACK", Some("true")),
        ("SHARDS", Some("0")),
        ("JURISDICTION", Some("mars")),
        ("MAX_EVENT_AGE", Some("soon")),
        ("MAX_ATTEMPTS", Some("-1")),
        ("MAX_DELIVERY_AGE", Some("0")),
        ("RETENTION", Some("7")),
        ("MAX_STORED_MB", Some("1GB")),
        ("ADMIN_TOKEN", Some("short")),
        ("ALERT_URL", Some("http://alerts.example")),
        ("ALERT_FORMAT", Some("slack")),
        ("ALERT_SILENCE", Some("0")),
        ("SETUP", Some("yes")),
        ("QUARANTINE", Some("off")),
        ("CLIENT_IP_HEADER", Some("a b")),
    ]);
    let keys = ["WALNUT_WEBHOOK_KEY", "WALNUT_WEBHOOK_KEY_PREVIOUS_UNTIL"];
    assert_eq!(named(&all), [&BEFORE_KEYS[..], &keys].concat());
}

#[test]
fn accepts_each_limit_and_rejects_values_beyond_it() {
    for (name, good, bad) in [
        ("MAX_BODY_BYTES", ["1", "1572864"], ["0", "1572865"]),
        ("ORIGIN_TIMEOUT", ["1ms", "28s"], ["0ms", "28.0001s"]),
        ("SHARDS", ["1", "256"], ["0", "257"]),
        ("MAX_EVENT_AGE", ["1ms", "90d"], ["-1s", "90.00001d"]),
        ("MAX_ATTEMPTS", ["1", "1000"], ["0", "1001"]),
        ("MAX_DELIVERY_AGE", ["1s", "30d"], ["999ms", "2592000.001s"]),
        ("RETENTION", ["864ms", "90d"], ["863ms", "90.0000001d"]),
        ("MAX_STORED_MB", ["1", "9000"], ["0", "9001"]),
        ("ALERT_SILENCE", ["36ms", "8760h"], ["35ms", "8760.001h"]),
        ("MAX_ATTEMPTS", ["01", "010"], ["+1", "1.0"]),
        ("ADMIN_TOKEN", [&"t".repeat(32), &"t".repeat(512)], [&"t".repeat(31), &"t".repeat(513)]),
    ] {
        for value in good {
            assert_eq!(mistakes(&[(name, Some(value))]), Mistakes::new(), "{name}={value}");
        }
        for value in bad.into_iter().chain([""]) {
            assert_eq!(mistakes(&[(name, Some(value))]).len(), 1, "{name}={value}");
        }
    }
}

#[test]
fn an_alert_has_one_of_two_formats() {
    for good in ["json", "teams"] {
        assert_eq!(mistakes(&[("ALERT_FORMAT", Some(good))]), Mistakes::new(), "{good}");
    }
    for bad in ["", "slack", "JSON", "Teams", "teams "] {
        let sentence = "ALERT_FORMAT must be json or teams";
        assert_eq!(mistakes(&[("ALERT_FORMAT", Some(bad))]), [sentence], "{bad}");
    }
}

#[test]
fn a_token_is_visible_ascii() {
    for bad in ["a b", "a\t", "\u{7f}", "é"] {
        let token = format!("{bad}{}", "t".repeat(32));
        assert_eq!(named(&mistakes(&[("ADMIN_TOKEN", Some(&token))])), ["ADMIN_TOKEN"], "{bad:?}");
    }
}

#[test]
fn rejects_the_edges_own_paths() {
    for (path, good) in [
        ("/", true),
        ("/hooks/walnut", true),
        ("/administer", true),
        ("/healthz/more", true),
        ("/.hidden/a..b/...", true),
        ("/admin", false),
        ("/admin/", false),
        ("/admin/hook", false),
        ("/healthz", false),
        ("hook", false),
        ("/a b", false),
        ("/a/../b", false),
        ("/./x", false),
        ("/..", false),
        ("/a/.", false),
    ] {
        let expected = if good { vec![] } else { vec!["WEBHOOK_PATH"] };
        assert_eq!(named(&mistakes(&[("WEBHOOK_PATH", Some(path))])), expected, "{path}");
    }
}

#[test]
fn accepts_plain_http_for_loopback_addresses_only_if_allowed() {
    let https = [
        "https://o.example",
        "https://127.0.0.1:1",
        "https://o.example/?a=b",
        "https://10.0.0.1/x",
        "https://[2001:db8::1]:8443/",
        "https://a_b.example",
    ];
    let loopback = ["http://localhost:1", "http://127.8.0.1:1", "http://[::1]:1", "http://0x7f.1"];
    let bad = [
        "http://o.example",
        "http://10.0.0.1",
        "http://localhost.o.example",
        "https://user:password@o.example",
        "https://user@o.example",
        "https://xn--_.o.example",
        "https://o.example/#x",
        "https://o.example/#",
        "https://256.0.0.1",
        "https://[::1",
        "http://127.0.0.1.o.example",
        "http://127.1.o.example",
        "http://[::2]",
        "ftp://localhost",
        "/relative",
        "o.example",
        "",
    ];
    for (allow, good, bad) in [
        ("1", [&https[..], &loopback].concat(), bad.to_vec()),
        ("0", https.to_vec(), [&loopback[..], &bad].concat()),
    ] {
        for name in ["ORIGIN_URL", "ALERT_URL"] {
            let mistakes = |url| mistakes(&[("ALLOW_LOOPBACK", Some(allow)), (name, Some(url))]);
            for url in &good {
                assert_eq!(mistakes(url), Mistakes::new(), "{name}={url}");
            }
            for url in &bad {
                assert_eq!(named(&mistakes(url)), [name], "{name}={url}");
            }
        }
    }
}

#[test]
fn requests_the_url_that_was_checked() {
    for (text, href) in [
        ("https://O.example:443", "https://o.example/"),
        (" https://o.example/a/../b c\n", "https://o.example/b%20c"),
        ("https:o.example\\x", "https://o.example/x"),
        ("https://@o.example", "https://o.example/"),
        ("https://127.1", "https://127.0.0.1/"),
    ] {
        let settings = settings(&[("ORIGIN_URL", Some(text)), ("ALERT_URL", Some(text))]);
        assert_eq!(settings.destinations.first().map(|it| it.url.as_str()), Some(href), "{text:?}");
        assert_eq!(settings.alert_url.as_deref(), Some(href), "{text:?}");
    }
}

#[test]
fn a_url_has_at_most_2048_bytes() {
    let url = |length: usize| format!("{:x<length$}", "https://o.example/");
    assert_eq!(mistakes(&[("ORIGIN_URL", Some(&url(2048)))]), Mistakes::new());
    assert_eq!(named(&mistakes(&[("ORIGIN_URL", Some(&url(2049)))])), ["ORIGIN_URL"]);
}

#[test]
fn the_previous_key_expires() {
    let config = read(&[
        ("WALNUT_WEBHOOK_KEY_PREVIOUS", Some("old")),
        ("WALNUT_WEBHOOK_KEY_PREVIOUS_UNTIL", Some("1970-01-11T00:00:00Z")),
    ])
    .map_err(|mistakes| mistakes.concat())
    .unwrap();
    let until = 10 * DAY_MS;
    for (now, accepts) in
        [(until - 7 * DAY_MS, true), (until - 1, true), (until, false), (until + 1, false)]
    {
        let settings = config.at(now).unwrap();
        assert_eq!(accepts_previous(&settings), accepts, "{now}");
        assert_eq!(settings.previous_until, accepts.then_some(until), "{now}");
        assert_eq!(settings.mistakes, Mistakes::new(), "{now}");
    }
}

/// Returns whether the key `old` is valid.
fn accepts_previous(settings: &Settings) -> bool {
    let signature = Key::new("old").unwrap().sign("{}").to_string();
    settings.verifier.as_ref().is_some_and(|it| it.verify("{}", &signature).is_ok())
}

#[test]
fn no_mistake_contains_a_secret() {
    let all = mistakes(&[
        ("WALNUT_WEBHOOK_KEY", Some("")),
        ("WALNUT_WEBHOOK_KEY_PREVIOUS", Some("opensesame")),
        ("WALNUT_WEBHOOK_KEY_PREVIOUS_UNTIL", Some("opensesame")),
        ("ADMIN_TOKEN", Some("opensesame")),
        ("ORIGIN_URL", Some("http://opensesame.example")),
        ("ALERT_URL", Some("https://opensesame:opensesame@alerts.example")),
    ]);
    assert_eq!(all.len(), 5);
    assert!(!all.concat().contains("opensesame"), "{all:?}");

    // As if the key and another variable were swapped.
    for name in BEFORE_KEYS {
        let all = mistakes(&[(name, Some("open sesame"))]);
        assert_eq!(named(&all), [name]);
        assert!(!all.concat().contains("sesame"), "{all:?}");
    }

    for json in [
        r"opensesame",
        r#"["opensesame"]"#,
        r#"{"opensesame":"opensesame"}"#,
        r#"[{"name":"opensesame","url":"opensesame"}]"#,
        r#"[{"name":"Opensesame","url":"opensesame","opensesame":"opensesame"}]"#,
        r#"[{"name":"crm","url":"http://opensesame.example","events":["","opensesame"],
             "headers":{"host":"opensesame","opensesame":"","é":"opensesame"},
             "secret":"opensesame"}]"#,
    ] {
        let all = listed(json).unwrap_err();
        assert!(!all.is_empty() && !all.concat().to_lowercase().contains("opensesame"), "{all:?}");
    }
}
