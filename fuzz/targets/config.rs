//! Checks that a configuration is accepted, or its mistakes are listed without any value. Without mistakes, the
//! settings have the values of the variables. With mistakes, they are still within the documented limits. The requested
//! URL is the one that was checked.

#![no_main]

use std::collections::{BTreeMap, BTreeSet};

use libfuzzer_sys::fuzz_target;
use url::{Host, Url};
use walnut_webhooks_fuzz::sign;
use walnut_webhooks_worker::fuzzing::{self, Configured, Destination, read};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
const NOW: u64 = 1_700_000_000_000;

/// Each number, its default and its limits.
const NUMBERS: [(&str, u64, u64); 3] =
    [("MAX_BODY_BYTES", 1 << 20, 1_572_864), ("SHARDS", 1, 256), ("MAX_ATTEMPTS", 200, 1000)];

/// Each time: the default and the limits. All are milliseconds.
const TIMES: [(&str, Option<u64>, [u64; 2]); 5] = [
    ("ORIGIN_TIMEOUT", Some(20_000), [1, 28_000]),
    ("MAX_EVENT_AGE", Some(3 * DAY_MS), [0, 90 * DAY_MS]),
    ("MAX_DELIVERY_AGE", Some(3 * DAY_MS), [1000, 30 * DAY_MS]),
    ("RETENTION", Some(7 * DAY_MS), [864, 90 * DAY_MS]),
    ("ALERT_SILENCE", None, [36, 365 * DAY_MS]),
];

fuzz_target!(|text: &str| {
    // Lines of NAME=value. A further line of a value begins with a blank.
    let text = text.replace("\n ", "\u{0}");
    let lines = text.lines().filter_map(|line| line.split_once('='));
    let variables: BTreeMap<&str, String> =
        lines.map(|(name, value)| (name, value.replace('\u{0}', "\n "))).collect();
    let get = |name: &str| variables.get(name).map(String::as_str);

    let set: Vec<String> = variables.keys().map(|name| (*name).to_owned()).collect();
    let sentences = match read(|name| variables.get(name).cloned(), &set, parse, NOW) {
        Ok(configured) => {
            if configured.mistakes.is_empty() {
                assert_keys(&configured, &get);
                assert_values(&configured, &get);
                assert_destinations(&configured, &get);
            } else {
                // Direct mode can't hold deliveries, so it rejects a configuration with mistakes.
                assert!(!configured.direct);
            }
            assert_limits(&configured, &get);
            [configured.mistakes, configured.warnings].concat()
        }
        Err(mistakes) => {
            assert!(!mistakes.is_empty());
            mistakes
        }
    };
    assert!(sentences.len() <= 400 + set.len(), "{sentences:?}");
    for sentence in &sentences {
        // The user may have swapped two variables, so any of them may hold a secret.
        for value in variables.values() {
            assert!(!is_unusual(value) || !sentence.contains(value), "{sentence}");
        }
    }
});

/// Parses a URL like the platform: both follow the WHATWG's standard.
fn parse(text: &str) -> Option<fuzzing::Url> {
    let url = Url::parse(text).ok()?;
    Some(fuzzing::Url {
        protocol: format!("{}:", url.scheme()),
        username: url.username().to_owned(),
        password: url.password().unwrap_or_default().to_owned(),
        hostname: url.host_str().unwrap_or_default().to_owned(),
        href: url.into(),
    })
}

/// Returns the form in which a URL is requested.
fn href(text: &str) -> String {
    Url::parse(text).unwrap().into()
}

/// Returns whether a text is too unusual to occur in a sentence by chance.
fn is_unusual(value: &str) -> bool {
    value.contains(['!', '$', '%', '&', '@', '^', '{', '}', '|', '<', '>', '#'])
}

fn assert_keys<'v>(configured: &Configured, get: &impl Fn(&str) -> Option<&'v str>) {
    let index = |name| {
        // The body is empty, because the limit may have any value.
        let signature = sign(get(name)?.as_bytes(), b"");
        let verified = configured.verifier.as_ref()?.verify("", &signature).ok()?;
        Some(verified.key_index().get())
    };
    // During set-up, the key may be absent.
    assert!(
        index("WALNUT_WEBHOOK_KEY") == Some(0)
            || get("WALNUT_WEBHOOK_KEY").is_none() && get("SETUP") == Some("1")
    );
    match configured.previous_until {
        Some(until) => {
            assert!((NOW + 1..=NOW + 7 * DAY_MS).contains(&until));
            // The two keys may be equal.
            assert!(index("WALNUT_WEBHOOK_KEY_PREVIOUS").is_some());
        }
        None => assert_ne!(index("WALNUT_WEBHOOK_KEY_PREVIOUS"), Some(1)),
    }
}

/// Checks the limits, which also hold with mistakes.
fn assert_limits<'v>(configured: &Configured, get: &impl Fn(&str) -> Option<&'v str>) {
    for ((name, _, most), read) in NUMBERS.into_iter().zip(configured.numbers) {
        assert!((1..=most).contains(&read), "{name}");
    }
    for ((name, default, [least, most]), read) in TIMES.into_iter().zip(configured.times) {
        let is_off = read.is_none() && (least == 0 || default.is_none());
        assert!(is_off || read.is_some_and(|read| (least..=most).contains(&read)), "{name}");
    }
    if let Some(path) = &configured.path {
        assert!(path.starts_with('/') && path != "/healthz" && path != "/admin");
        assert!(!path.starts_with("/admin/"));
        // No request could have a path that the URL parser would change.
        assert_eq!(Url::parse(&format!("https://a.example{path}")).unwrap().path(), path);
    }
    let [jurisdiction, token, alert_url] = &configured.texts;
    assert!(jurisdiction.as_ref().is_none_or(|place| place == "eu" || place == "fedramp"));
    assert!(token.as_ref().is_none_or(|token| {
        (32..=512).contains(&token.len()) && token.bytes().all(|c| (b'!'..=b'~').contains(&c))
    }));
    if let Some(url) = alert_url {
        assert_url(url, get("ALLOW_LOOPBACK") == Some("1"));
    }
    let header = configured.client_ip_header.as_bytes();
    assert!((1..=64).contains(&header.len()) && header.iter().all(u8::is_ascii_graphic));
}

/// Checks that each setting has the value of its variable, or the default.
fn assert_values<'v>(configured: &Configured, get: &impl Fn(&str) -> Option<&'v str>) {
    for ((name, default, _), read) in NUMBERS.into_iter().zip(configured.numbers) {
        let expected = get(name).map_or(default, |text| text.parse().unwrap());
        assert_eq!(read, expected, "{name}");
    }
    for ((name, default, _), read) in TIMES.into_iter().zip(configured.times) {
        let Some(text) = get(name) else {
            assert_eq!(read, default, "{name}");
            continue;
        };
        // An absent limit is written as 0.
        let read = read.unwrap_or(0);
        let expected = milliseconds(text);
        let read = f64::from(u32::try_from(read / 1000).unwrap()) * 1000.0
            + f64::from(u32::try_from(read % 1000).unwrap());
        // The time is rounded up, and a double is not exact.
        assert!((-0.01..1.01).contains(&(read - expected)), "{name} is {read}, not {expected}");
    }
    let is_one_of = |name, words: &[&str]| {
        assert!(get(name).is_none_or(|value| words.contains(&value)), "{name}");
    };
    is_one_of("MODE", &["durable", "direct"]);
    for name in ["ALLOW_LOOPBACK", "SETUP", "QUARANTINE"] {
        is_one_of(name, &["0", "1"]);
    }
    is_one_of("JURISDICTION", &["eu", "fedramp"]);
    is_one_of("ALERT_FORMAT", &["json", "teams"]);
    assert_eq!(configured.direct, get("MODE") == Some("direct"));
    assert_eq!(configured.path.as_deref(), Some(get("WEBHOOK_PATH").unwrap_or("/webhook")));
    let [jurisdiction, token, alert_url] = &configured.texts;
    assert_eq!(jurisdiction.as_deref(), get("JURISDICTION"));
    assert_eq!(token.as_deref(), get("ADMIN_TOKEN"));
    assert_eq!(*alert_url, get("ALERT_URL").map(href));
    let header = get("CLIENT_IP_HEADER").unwrap_or("cf-connecting-ip");
    assert!(configured.client_ip_header.eq_ignore_ascii_case(header));
}

/// Parses a time as a double. Only 0 has no unit.
fn milliseconds(text: &str) -> f64 {
    let units = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", DAY_MS / 24), ("d", DAY_MS)];
    let suffix = units.iter().find_map(|(suffix, unit)| Some((text.strip_suffix(suffix)?, *unit)));
    let Some((number, unit)) = suffix else {
        assert_eq!(text, "0");
        return 0.0;
    };
    number.parse::<f64>().unwrap() * f64::from(u32::try_from(unit).unwrap())
}

fn assert_destinations<'v>(configured: &Configured, get: &impl Fn(&str) -> Option<&'v str>) {
    let all = &configured.destinations;
    let loopback = get("ALLOW_LOOPBACK") == Some("1");
    assert!((1..=20).contains(&all.len()));
    assert_eq!(all.iter().map(|it| &it.name).collect::<BTreeSet<_>>().len(), all.len());
    for Destination { name, url, events, headers } in all {
        assert!((1..=32).contains(&name.len()));
        assert!(name.bytes().all(|c| matches!(c, b'a'..=b'z' | b'0'..=b'9' | b'-')));
        assert_url(url, loopback);
        if let Some(events) = events {
            assert!(!configured.direct && (1..=100).contains(&events.len()));
            assert!(events.iter().all(|event| (1..=256).contains(&event.len())));
        }
        assert!(headers.len() <= 20);
        assert_eq!(
            headers.iter().map(|(name, _)| name).collect::<BTreeSet<_>>().len(),
            headers.len()
        );
        for (name, value) in headers {
            assert!(
                (1..=64).contains(&name.len()) && !name.bytes().any(|c| c.is_ascii_uppercase())
            );
            assert!(!["host", "connection", "transfer-encoding", "te"].contains(&name.as_str()));
            let reserved = ["x-walnut-", "walnut-", "webhook-", "content-"];
            assert!(!reserved.iter().any(|prefix| name.starts_with(prefix)), "{name}");
            // No value can split a header line.
            let visible = |c: u8| matches!(c, b'\t' | b' '..=b'~');
            assert!(name.bytes().all(|c| (b'!'..=b'~').contains(&c) && c != b':'), "{name:?}");
            assert!(value.bytes().all(visible) && value.trim() == value, "{value:?}");
            assert!((1..=2048).contains(&value.len()));
        }
    }
    match get("ORIGIN_URL") {
        Some(url) => {
            assert!(get("DESTINATIONS").is_none());
            assert!(all.len() == 1 && all[0].name == "origin" && all[0].url == href(url));
            assert!(all[0].events.is_none() && all[0].headers.is_empty());
        }
        None => assert!(get("DESTINATIONS").is_some_and(serde_agrees)),
    }
    // A list is set only if the one before it is set.
    let further = (2..10).map(|number| get(&format!("DESTINATIONS_{number}")).is_some());
    let lists: Vec<bool> = [get("DESTINATIONS").is_some()].into_iter().chain(further).collect();
    assert!(lists.is_sorted_by(|before, after| before >= after));
    assert!(!configured.direct || all.len() == 1);
}

/// Returns whether `serde_json` also reads a list. It may reject a text with half of an escaped surrogate pair, or with a
/// number out of range.
fn serde_agrees(json: &str) -> bool {
    match serde_json::from_str::<serde_json::Value>(json) {
        Ok(value) => value.is_array(),
        Err(error) => {
            let error = error.to_string();
            error.contains("surrogate")
                || error.contains("hex escape")
                || error.contains("out of range")
        }
    }
}

/// Checks that a URL is requested as it is written, and that it uses TLS or a loopback address.
fn assert_url(text: &str, loopback: bool) {
    assert!(text.len() <= 2048);
    let url = Url::parse(text).unwrap();
    assert_eq!(url.as_str(), text);
    assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none());
    let is_loopback = match url.host().unwrap() {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    };
    assert!(
        url.scheme() == "https" || (url.scheme() == "http" && is_loopback && loopback),
        "{text:?}"
    );
}
