//! Runs the vectors of `tests/vectors/` through the Rust API.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

mod cases;

use std::time::{Duration, SystemTime};

use cases::{each, header, joined, key_bytes};
use serde_json::{Value, json};
use walnut_webhooks::{Delivery, Error, Key, Keys, NotJson, Verifier};

const SKEW: Duration = Duration::from_secs(5 * 60);

fn verifier(case: &Value, keys: &Value) -> Result<Verifier, Error> {
    let keys = key_bytes(case, keys).iter().map(Key::new).collect::<Result<Vec<_>, _>>()?;
    let verifier = Verifier::new(Keys::new(keys)?);
    Ok(match case["maxBodyBytes"].as_u64() {
        Some(limit) => verifier.with_max_body_bytes(limit.try_into().unwrap()),
        None => verifier,
    })
}

fn rejected(error: &Error) -> Value {
    json!({ "code": error.code() })
}

fn word(reason: NotJson) -> &'static str {
    match reason {
        NotJson::Empty => "empty",
        NotJson::Utf8 => "utf8",
        NotJson::ByteOrderMark => "byte_order_mark",
        NotJson::Depth => "depth",
        NotJson::Syntax => "syntax",
        NotJson::NotAnObject => "not_an_object",
        _ => "a reason without a word",
    }
}

/// Serializes a delivery, without the event itself.
fn accepted(delivery: &Delivery) -> Value {
    let mut fields = serde_json::to_value(delivery).unwrap();
    let event = fields.as_object_mut().unwrap().remove("event").unwrap();
    assert_eq!(event, serde_json::to_value(&delivery.payload).unwrap());
    fields
}

fn verdict(case: &Value, keys: &Value) -> Value {
    let verifier = match verifier(case, keys) {
        Ok(verifier) => verifier,
        Err(error) => return rejected(&error),
    };
    let body = joined(&case["body"], b"");
    let verified = match verifier.verify(&body, header(case).as_deref()) {
        Ok(verified) => verified,
        Err(error) => return rejected(&error),
    };
    let key_index = verified.key_index().get();
    let rejected_with_key = |error: &Error| match error {
        Error::NotJson(reason) => {
            json!({ "code": error.code(), "reason": word(*reason), "keyIndex": key_index })
        }
        _ => json!({ "code": error.code(), "keyIndex": key_index }),
    };
    let delivery = match verified.delivery() {
        Ok(delivery) => delivery,
        Err(error) => return rejected_with_key(&error),
    };
    if let (Some(max_age), Some(now)) = (case["maxAge"].as_u64(), case["now"].as_u64()) {
        let now = SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(now)).unwrap();
        if let Err(error) = delivery.check_age(now, Duration::from_millis(max_age), SKEW) {
            return rejected_with_key(&error);
        }
    }
    accepted(&delivery)
}

fn sorted(mut verdict: Value) -> Value {
    if let Some(drift) = verdict.get_mut("drift").and_then(Value::as_array_mut) {
        drift.sort_by_key(|entry| entry["path"].as_str().unwrap_or_default().to_owned());
    }
    verdict
}

#[test]
fn every_vector_has_its_verdict() {
    let mut cases = 0;
    let mut failures = Vec::new();
    each(|name, case, keys| {
        let got = sorted(verdict(case, keys));
        let expected = sorted(case["expect"].clone());
        if got != expected {
            failures.push(format!("{name}\n  {got}\n  {expected}"));
        }
        cases += 1;
    });
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(cases >= 390, "only {cases} cases were found");
}

#[test]
fn a_required_timestamp_must_be_readable() {
    let key = Key::new("key").unwrap();
    let verifier = Verifier::new(Keys::new(vec![Key::new("key").unwrap()]).unwrap());
    for (body, expected) in [
        (r#"{"timestamp":"2023-11-01T19:15:20Z"}"#, Ok(())),
        (r#"{"timestamp":"yesterday"}"#, Err(Error::NoTimestamp)),
        (r#"{"timestamp":null}"#, Err(Error::NoTimestamp)),
        ("{}", Err(Error::NoTimestamp)),
    ] {
        let signature = key.sign(body).to_string();
        let delivery = verifier.verify(body.as_bytes(), Some(signature.as_bytes())).unwrap();
        assert_eq!(delivery.delivery().unwrap().require_timestamp(), expected, "{body}");
    }
}

#[cfg(feature = "edge")]
#[test]
fn a_summary_agrees_with_the_delivery() {
    let mut cases = 0;
    let mut differences = Vec::new();
    each(|name, case, keys| {
        let body = joined(&case["body"], b"");
        let Ok(verifier) = verifier(case, keys) else { return };
        let Ok(verified) = verifier.verify(&body, header(case).as_deref()) else { return };
        cases += 1;
        let (summary, delivery) = match (verified.summary(), verified.delivery()) {
            (Ok(summary), Ok(delivery)) => (summary, delivery),
            (summary, delivery) => return assert_eq!(summary.err(), delivery.err(), "{name}"),
        };
        assert_eq!(summary.id, delivery.id, "{name}");
        assert_eq!(summary.name, delivery.name, "{name}");
        assert_eq!(summary.event_type, delivery.event_type(), "{name}");
        assert_eq!(summary.timestamp, delivery.timestamp, "{name}");
        assert_eq!(summary.is_test, delivery.is_test, "{name}");
        let drift = delivery.drift.iter().cloned().map(without_indexes).collect::<Vec<_>>();
        if summary.drift != drift {
            differences.push(name.to_owned());
        }
        let [now, max_age] = ["now", "maxAge"]
            .map(|name| Duration::from_millis(case[name].as_u64().unwrap_or_default()));
        let now = SystemTime::UNIX_EPOCH.checked_add(now).unwrap();
        let age = delivery.check_age(now, max_age, SKEW);
        assert_eq!(summary.check_age(now, max_age, SKEW), age, "{name}");
    });
    assert!(cases >= 200, "only {cases} cases were found");
    // A summary parses no numbers, so it differs if the double differs from the written number.
    let unusual =
        ["1e-400 is zero", "1e999 is not an integer: drift only", "2^53 - 0.5 is read as a double"];
    assert_eq!(differences, unusual.map(|name| format!("json: {name:?}")));
}

#[cfg(feature = "edge")]
fn without_indexes(mut drift: walnut_webhooks::Drift) -> walnut_webhooks::Drift {
    for index in 0..10 {
        drift.path = drift.path.replace(&format!("[{index}]"), "[]");
    }
    drift
}
