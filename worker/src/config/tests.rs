mod destinations;

use walnut_webhooks::Key;

use super::duration::{HOUR_MS, SECOND_MS};
use super::*;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn read(changes: &[(&str, Option<&str>)]) -> Result<Config, Mistakes> {
    let binding = |name: &str| {
        let change = changes.iter().find(|(changed, _)| *changed == name);
        match (change, name) {
            (Some((_, value)), _) => value.map(str::to_owned),
            (None, "WALNUT_WEBHOOK_KEY") => Some("key".to_owned()),
            (None, "ORIGIN_URL") => Some("https://origin.example/walnut".to_owned()),
            (None, _) => None,
        }
    };
    Config::read(binding, &parse)
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

fn settings(changes: &[(&str, Option<&str>)]) -> Rc<Settings> {
    read(changes).and_then(|config| config.at(0)).unwrap()
}

fn mistakes(changes: &[(&str, Option<&str>)]) -> Mistakes {
    read(changes).err().unwrap_or_default()
}

/// Reads a list of destinations.
fn listed(json: &str) -> Result<Vec<Destination>, Mistakes> {
    let config = read(&[("ORIGIN_URL", None), ("DESTINATIONS", Some(json))])?;
    Ok(config.at(0)?.destinations.clone())
}

/// Reads one destination that has fields besides its name and URL; returns its mistakes.
fn mistakes_of(fields: &str) -> Mistakes {
    let json = format!(r#"[{{"name":"crm","url":"https://crm.example",{fields}}}]"#);
    listed(&json).err().unwrap_or_default()
}

/// The variables that sentences begin with.
fn named(mistakes: &Mistakes) -> Vec<&str> {
    mistakes.iter().filter_map(|mistake| mistake.split([' ', ':']).next()).collect()
}

#[test]
fn the_defaults_are_as_documented() {
    let settings = settings(&[]);
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
    assert_eq!(settings.silence_ms, None);
    assert_eq!(settings.previous_until, None);

    let [origin] = settings.destinations.as_slice() else { panic!("one destination") };
    assert_eq!(origin.name, "origin");
    assert_eq!(origin.url, "https://origin.example/walnut");
    assert_eq!(origin.events, None);
    assert!(origin.headers.is_empty());
    assert!(origin.secret.is_none());
}

#[test]
fn reads_what_is_set() {
    let settings = settings(&[
        ("MODE", Some("direct")),
        ("ALLOW_LOOPBACK", Some("0")),
        ("SHARDS", Some("16")),
        ("JURISDICTION", Some("eu")),
        ("MAX_EVENT_AGE", Some("0")),
        ("MAX_ATTEMPTS", Some("3")),
        ("MAX_DELIVERY_AGE", Some("90m")),
        ("RETENTION_DAYS", Some("0.5")),
        ("MAX_STORED_MB", Some("100")),
        ("ADMIN_TOKEN", Some("0123456789abcdef0123456789abcdef")),
        ("ALERT_URL", Some("https://alerts.example/hook?a=b")),
        ("ALERT_SILENCE_HOURS", Some("1.5")),
    ]);
    assert_eq!(settings.mode, Mode::Direct);
    assert_eq!(settings.shards, 16);
    assert_eq!(settings.jurisdiction.as_deref(), Some("eu"));
    assert_eq!(settings.max_event_age_ms, None);
    assert_eq!(settings.limits, Limits { max_attempts: 3, max_age_ms: 5400 * SECOND_MS });
    assert_eq!(settings.retention_ms, 12 * HOUR_MS);
    assert_eq!(settings.max_stored_bytes, 100_000_000);
    assert_eq!(settings.admin_token.as_deref(), Some("0123456789abcdef0123456789abcdef"));
    assert_eq!(settings.alert_url.as_deref(), Some("https://alerts.example/hook?a=b"));
    assert_eq!(settings.silence_ms, Some(90 * 60 * SECOND_MS));
}

/// The variables that are read before the keys, in the order of their mistakes.
const BEFORE_KEYS: [&str; 16] = [
    "ALLOW_LOOPBACK",
    "MODE",
    "WEBHOOK_PATH",
    "MAX_BODY_BYTES",
    "ORIGIN_TIMEOUT_MS",
    "ORIGIN_URL",
    "SHARDS",
    "JURISDICTION",
    "MAX_EVENT_AGE",
    "MAX_ATTEMPTS",
    "MAX_DELIVERY_AGE",
    "RETENTION_DAYS",
    "MAX_STORED_MB",
    "ADMIN_TOKEN",
    "ALERT_URL",
    "ALERT_SILENCE_HOURS",
];

#[test]
fn lists_every_mistake_at_once() {
    let all = mistakes(&[
        ("WALNUT_WEBHOOK_KEY", None),
        ("WALNUT_WEBHOOK_KEY_PREVIOUS", Some("old")),
        ("ORIGIN_URL", Some("ftp://origin.example")),
        ("ORIGIN_TIMEOUT_MS", Some("28001")),
        ("MAX_BODY_BYTES", Some("1.5")),
        ("MODE", Some("carefree")),
        ("WEBHOOK_PATH", Some("webhook")),
        ("ALLOW_LOOPBACK", Some("true")),
        ("SHARDS", Some("0")),
        ("JURISDICTION", Some("mars")),
        ("MAX_EVENT_AGE", Some("soon")),
        ("MAX_ATTEMPTS", Some("-1")),
        ("MAX_DELIVERY_AGE", Some("0")),
        ("RETENTION_DAYS", Some("7d")),
        ("MAX_STORED_MB", Some("1GB")),
        ("ADMIN_TOKEN", Some("short")),
        ("ALERT_URL", Some("http://alerts.example")),
        ("ALERT_SILENCE_HOURS", Some("0")),
    ]);
    let keys = ["WALNUT_WEBHOOK_KEY", "WALNUT_WEBHOOK_KEY_PREVIOUS_UNTIL"];
    assert_eq!(named(&all), [&BEFORE_KEYS[..], &keys].concat());
}

#[test]
fn accepts_each_limit_and_rejects_what_exceeds_it() {
    for (name, good, bad) in [
        ("MAX_BODY_BYTES", ["1", "1572864"], ["0", "1572865"]),
        ("ORIGIN_TIMEOUT_MS", ["1", "28000"], ["0", "28001"]),
        ("SHARDS", ["1", "256"], ["0", "257"]),
        ("MAX_EVENT_AGE", ["1ms", "90d"], ["-1", "90.00001d"]),
        ("MAX_ATTEMPTS", ["1", "1000"], ["0", "1001"]),
        ("MAX_DELIVERY_AGE", ["1", "30d"], ["999ms", "2592000.001"]),
        ("RETENTION_DAYS", ["0.00001", "90"], ["0.000009", "90.0000001"]),
        ("MAX_STORED_MB", ["1", "9000"], ["0", "9001"]),
        ("ALERT_SILENCE_HOURS", ["0.00001", "8760"], ["0", "8760.001"]),
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
        assert_eq!(read(&[("WEBHOOK_PATH", Some(path))]).is_ok(), good, "{path}");
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
    assert!(read(&[("ORIGIN_URL", Some(&url(2048)))]).is_ok());
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
    let signature = Key::new("old").unwrap().sign("{}").to_string();
    let accepts = |now| {
        config
            .at(now)
            .map(|settings| settings.verifier.as_ref().unwrap().verify("{}", &signature).is_ok())
    };
    assert_eq!(accepts(until - 1), Ok(true));
    assert_eq!(accepts(until), Ok(false));
    assert_eq!(accepts(until - 7 * DAY_MS), Ok(true));
    assert!(accepts(until - 7 * DAY_MS - 1).is_err());

    let told = |now| config.at(now).map(|settings| settings.previous_until);
    assert_eq!(told(until - 1), Ok(Some(until)));
    assert_eq!(told(until), Ok(None));
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
        let all = mistakes(&[(name, Some("opensesame"))]);
        assert_eq!(named(&all), [name]);
        assert!(!all.concat().contains("opensesame"), "{all:?}");
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
