//! Checks that a genuine body is accepted if and only if it is JSON as the contract defines it; that its values
//! are the same in `serde_json`; and that the name, the type, the id and the drift agree with a second, simple
//! implementation.
//!
//! The contract accepts more than `serde_json`: half of a surrogate pair as a `\u` escape, and a number beyond a double,
//! which is infinite. For such a text, `serde_json` checks only the syntax, and the values are not compared. This target
//! itself checks that the top is an object, and the depth, because `serde_json` has another limit.

#![no_main]

use std::str;
use std::time::{Duration, SystemTime};

use libfuzzer_sys::fuzz_target;
use ring::digest;
use serde_json::Value as Json;
use walnut_webhooks::{Delivery, Drift, Key, Value, Verifier};
use walnut_webhooks_fuzz::hex;

/// The two events as documented. A field whose name ends in `?` may be absent.
const DOCUMENTED: [(&str, &str); 2] = [
    ("demo_session_finished", include_str!("event/demo.json")),
    ("playlist_session_finished", include_str!("event/playlist.json")),
];

const MAX_DEPTH: usize = 128;
const MAX_DRIFT: usize = 100;

fuzz_target!(|body: &[u8]| {
    let key = Key::new("key").unwrap();
    let header = key.sign(body).to_string();
    let verifier = Verifier::new(key);
    let verified = verifier.verify(body, &header).unwrap();
    let delivery = verified.delivery();
    let summary = verified.summary();
    assert_eq!(delivery.is_ok(), is_json(body), "{delivery:?}");
    let delivery = match delivery {
        Ok(delivery) => delivery,
        Err(error) => {
            assert_eq!(error.code(), "not_json");
            assert_eq!(summary, Err(error));
            return;
        }
    };

    if let Ok(read) = serde_json::from_slice(body) {
        assert_same(&delivery.payload, &read);
    }
    assert_reading(&delivery, body);

    let summary = summary.unwrap();
    assert_eq!(summary.id, delivery.id);
    assert_eq!(summary.name, delivery.name);
    assert_eq!(summary.event_type, delivery.event_type());
    assert_eq!(summary.timestamp, delivery.timestamp);
    assert_eq!(summary.is_test, delivery.is_test);
    for now in [0, 1_700_000_000, 4_000_000_000].map(Duration::from_secs) {
        let now = SystemTime::UNIX_EPOCH + now;
        let (max_age, skew) = (Duration::from_hours(72), Duration::from_mins(5));
        let aged = delivery.check_age(now, max_age, skew);
        assert_eq!(aged, summary.check_age(now, max_age, skew));
        assert!(aged.is_ok() || delivery.timestamp.is_some());
    }
});

fn is_json(body: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(body) else { return false };
    let is_text = serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    is_text && text.trim_start().starts_with('{') && depth(text) <= MAX_DEPTH
}

/// Returns the deepest nesting of a JSON text.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth -= 1,
            b'"' => {
                // The second byte of an escape does not end the string.
                while let Some(inner) = bytes.next().filter(|inner| *inner != b'"') {
                    if inner == b'\\' {
                        bytes.next();
                    }
                }
            }
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

fn assert_same(ours: &Value, theirs: &Json) {
    match (ours, theirs) {
        (Value::Null, Json::Null) => {}
        (Value::Bool(ours), Json::Bool(theirs)) => assert_eq!(ours, theirs),
        (Value::Number(ours), Json::Number(theirs)) => {
            let (ours, theirs) = (ours.as_f64(), theirs.as_f64().unwrap());
            assert_eq!(ours.to_bits(), theirs.to_bits(), "{ours}, {theirs}");
        }
        (Value::String(ours), Json::String(theirs)) => assert_eq!(ours, theirs),
        (Value::Array(ours), Json::Array(theirs)) => {
            assert_eq!(ours.len(), theirs.len());
            ours.iter().zip(theirs).for_each(|(ours, theirs)| assert_same(ours, theirs));
        }
        (Value::Object(ours), Json::Object(theirs)) => {
            assert_eq!(ours.len(), theirs.len());
            for (name, ours) in ours {
                assert_same(ours, &theirs[name]);
            }
        }
        _ => panic!("{ours:?} is not {theirs}"),
    }
}

fn assert_reading(delivery: &Delivery, body: &[u8]) {
    let payload = &delivery.payload;
    let name = payload.get("event").and_then(Value::as_str);
    let is_test = payload.get("is_test") == Some(&Value::Bool(true));
    let known = DOCUMENTED.iter().find(|(known, _)| Some(*known) == name);
    assert_eq!(delivery.name.as_deref(), name);
    assert_eq!(delivery.timestamp.as_deref(), payload.get("timestamp").and_then(Value::as_str));
    assert_eq!(delivery.is_test, is_test);

    let session = payload.get("data").and_then(|data| data.get("session_id")?.as_str());
    let session = session.filter(|session| {
        (1..=128).contains(&session.len())
            && session.bytes().all(|c| (0x21..=0x7e).contains(&c) && c != b':')
    });
    let id = match (known, session) {
        (Some((name, _)), Some(session)) if !is_test => format!("{name}:{session}"),
        _ => format!("body:{}", hex(digest::digest(&digest::SHA256, body).as_ref())),
    };
    assert_eq!(delivery.id, id);

    let shape = known.map_or(r#"{"event":"string"}"#, |(_, shape)| shape);
    let shape: Json = serde_json::from_str(shape).unwrap();
    let mut comparison = Comparison { differences: Vec::new(), fits: true };
    comparison.value(payload, &shape, "");
    // For an undocumented event, added fields are not drift.
    if known.is_none() {
        comparison.differences.retain(|(_, kind, ..)| *kind != "added");
    }
    let fitting = known.filter(|_| comparison.fits).map_or("unknown", |(name, _)| name);
    assert_eq!(delivery.event_type(), fitting, "{:?}", delivery.drift);
    let mut differences = comparison.differences;
    let mut reported: Vec<_> = delivery.drift.iter().map(difference).collect();
    if differences.len() > MAX_DRIFT {
        assert_eq!(reported.len(), MAX_DRIFT);
        assert!(reported.iter().all(|drift| differences.contains(drift)), "{reported:?}");
    } else {
        reported.sort();
        differences.sort();
        assert_eq!(reported, differences);
    }
}

/// The path, the kind, the expected type and the received type.
type Difference = (String, &'static str, Option<String>, Option<&'static str>);

fn difference(drift: &Drift) -> Difference {
    let expected = drift.expected.map(str::to_owned);
    (drift.path.clone(), drift.kind.as_str(), expected, drift.found)
}

struct Comparison {
    differences: Vec<Difference>,
    /// Whether the event keeps its type.
    fits: bool,
}

impl Comparison {
    fn value(&mut self, value: &Value, shape: &Json, path: &str) {
        let expected = match shape {
            Json::Object(fields) => {
                if let Value::Object(members) = value {
                    return self.object(members, fields, path);
                }
                "object"
            }
            Json::Array(item) => {
                if let Value::Array(items) = value {
                    for (index, value) in items.iter().enumerate() {
                        self.value(value, &item[0], &format!("{path}[{index}]"));
                    }
                    return;
                }
                "array"
            }
            other => other.as_str().unwrap(),
        };
        let found = found(value);
        let is_whole =
            |number: f64| number.is_finite() && number.floor().total_cmp(&number).is_eq();
        let present = expected.strip_suffix(" | null").unwrap_or(expected);
        match (present, value) {
            (_, Value::Null) if present != expected => return,
            ("integer", Value::Number(number)) if is_whole(number.as_f64()) => return,
            // A fraction is reported, but the event keeps its type.
            ("integer", Value::Number(_)) => {}
            _ if present == found => return,
            _ => self.fits = false,
        }
        self.report(path.to_owned(), "type", Some(expected), Some(found));
    }

    fn object(
        &mut self,
        members: &std::collections::BTreeMap<String, Value>,
        fields: &serde_json::Map<String, Json>,
        path: &str,
    ) {
        for (field, shape) in fields {
            let name = name_of(field);
            let path = step(path, name);
            match members.get(name) {
                Some(member) => self.value(member, shape, &path),
                None if field == name => {
                    let expected = match shape {
                        Json::Object(_) => "object",
                        Json::Array(_) => "array",
                        other => other.as_str().unwrap(),
                    };
                    self.fits = false;
                    self.report(path, "missing", Some(expected), None);
                }
                None => {}
            }
        }
        for (name, member) in members {
            if !fields.keys().any(|field| name_of(field) == name) {
                self.report(step(path, name), "added", None, Some(found(member)));
            }
        }
    }

    fn report(
        &mut self,
        path: String,
        kind: &'static str,
        expected: Option<&str>,
        found: Option<&'static str>,
    ) {
        self.differences.push((path, kind, expected.map(str::to_owned), found));
    }
}

/// Returns a documented name without the question mark of an optional field.
fn name_of(field: &str) -> &str {
    field.trim_end_matches('?')
}

fn found(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Appends a name to a path, as JavaScript writes it.
fn step(path: &str, name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$';
    if !name.is_empty()
        && name.chars().all(plain)
        && !name.starts_with(|c: char| c.is_ascii_digit())
    {
        return if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    }
    let shown = |c: char| match c {
        '"' | '\\' => format!("\\{c}"),
        c if c.is_control() => format!("\\u{:04x}", u32::from(c)),
        c => c.to_string(),
    };
    format!("{path}[\"{}\"]", name.chars().map(shown).collect::<String>())
}
