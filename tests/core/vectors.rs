//! Runs the vectors of `tests/vectors/` through the Rust API.

#![expect(clippy::unwrap_used, reason = "a test may fail so")]

mod cases;

use std::time::{Duration, SystemTime};

use cases::{each, header, joined, key_bytes};
use serde_json::{Value, json};
use walnut_webhooks::{Delivery, Error, Key, Keys, Verifier};

const SKEW: Duration = Duration::from_mins(5);

fn verifier(case: &Value, keys: &Value) -> Result<Verifier, Error> {
    let keys = key_bytes(case, keys).iter().map(Key::new).collect::<Result<Vec<_>, _>>()?;
    let verifier = Verifier::new(Keys::new(keys)?);
    Ok(match case["maxBodyBytes"].as_u64() {
        Some(limit) => verifier.with_max_body_bytes(limit.try_into().unwrap()),
        None => verifier,
    })
}

fn refused(error: &Error) -> Value {
    json!({ "code": error.code() })
}

fn accepted(delivery: &Delivery) -> Value {
    let drift: Vec<Value> = delivery
        .drift
        .iter()
        .map(|drift| {
            json!({
                "path": drift.path,
                "kind": drift.kind.as_str(),
                "expected": drift.expected,
                "found": drift.found,
            })
        })
        .collect();
    json!({
        "keyIndex": delivery.key_index.get(),
        "name": delivery.name,
        "type": delivery.event_type(),
        "id": delivery.id,
        "timestamp": delivery.timestamp,
        "isTest": delivery.is_test,
        "drift": drift,
    })
}

fn verdict(case: &Value, keys: &Value) -> Value {
    let verifier = match verifier(case, keys) {
        Ok(verifier) => verifier,
        Err(error) => return refused(&error),
    };
    let body = joined(&case["body"], b"");
    let verified = match verifier.verify(&body, header(case).as_deref()) {
        Ok(verified) => verified,
        Err(error) => return refused(&error),
    };
    let late =
        |error: &Error| json!({ "code": error.code(), "keyIndex": verified.key_index().get() });
    let summary = verified.summary();
    let delivery = match verified.delivery() {
        Ok(delivery) => delivery,
        Err(error) => {
            assert_eq!(summary, Err(error.clone()));
            return late(&error);
        }
    };
    let summary = summary.unwrap();
    assert_eq!(summary.id, delivery.id);
    assert_eq!(summary.name, delivery.name);
    assert_eq!(summary.event_type, delivery.event_type());
    assert_eq!(summary.timestamp, delivery.timestamp);
    assert_eq!(summary.is_test, delivery.is_test);
    if let (Some(max_age), Some(now)) = (case["maxAge"].as_u64(), case["now"].as_u64()) {
        let now = SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(now)).unwrap();
        let age = delivery.check_age(now, Duration::from_millis(max_age), SKEW);
        assert_eq!(summary.check_age(now, Duration::from_millis(max_age), SKEW), age);
        if let Err(error) = age {
            return late(&error);
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
