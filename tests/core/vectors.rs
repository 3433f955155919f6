//! Runs the vectors of `tests/vectors/` through the Rust API.

#![expect(clippy::unwrap_used, reason = "a test may fail so")]

use std::path::Path;
use std::time::{Duration, SystemTime};
use std::{fs, str};

use serde_json::{Value, json};
use walnut_webhooks::{Delivery, Error, Key, Keys, Verifier, explain};

const SKEW: Duration = Duration::from_mins(5);

fn vectors() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors"))
}

fn part(value: &Value) -> Vec<u8> {
    if let Some(text) = value.as_str() {
        return text.as_bytes().to_vec();
    }
    let text = |name: &str| value[name].as_str();
    if let Some(digits) = text("hex") {
        return hex::decode(digits).unwrap();
    }
    if let Some(piece) = text("repeat") {
        return piece.repeat(value["times"].as_u64().unwrap().try_into().unwrap()).into_bytes();
    }
    let mut body =
        fs::read_to_string(vectors().join("bodies").join(text("file").unwrap())).unwrap();
    for change in value["replace"].as_array().into_iter().flatten() {
        let (from, to) = (change[0].as_str().unwrap(), change[1].as_str().unwrap());
        assert!(body.contains(from), "{from:?} is not in the file");
        body = body.replace(from, to);
    }
    body.into_bytes()
}

fn joined(value: &Value, between: &[u8]) -> Vec<u8> {
    match value.as_array() {
        Some(parts) => parts.iter().map(part).collect::<Vec<_>>().join(between),
        None => part(value),
    }
}

fn key_bytes(case: &Value, keys: &Value) -> Vec<Vec<u8>> {
    case.get("keys").unwrap_or(keys).as_array().unwrap().iter().map(part).collect()
}

fn header(case: &Value) -> Option<Vec<u8>> {
    match &case["header"] {
        Value::Null => None,
        // As a list of header lines is combined: RFC 9110, section 5.3.
        header => Some(joined(header, b", ")),
    }
}

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
    let delivery = match verified.delivery() {
        Ok(delivery) => delivery,
        Err(error) => return late(&error),
    };
    if let (Some(max_age), Some(now)) = (case["maxAge"].as_u64(), case["now"].as_u64()) {
        let now = SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(now)).unwrap();
        if let Err(error) = delivery.check_age(now, Duration::from_millis(max_age), SKEW) {
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

fn explanation(case: &Value, keys: &Value) -> Value {
    let others = case["others"].as_object().into_iter().flatten();
    let others = others.map(|(name, value)| (name.as_str(), value.as_str().unwrap().as_bytes()));
    let body = joined(&case["body"], b"");
    let explanation = explain(&key_bytes(case, keys), &body, header(case).as_deref(), others);
    json!({
        "ok": explanation.ok,
        "code": explanation.code,
        "cause": explanation.cause.as_str(),
        "difference": explanation.difference.map(|difference| {
            json!({ "at": difference.at, "found": difference.found, "meant": difference.meant })
        }),
    })
}

/// Hands over each case: what it is called, itself, and the keys of its file.
fn each(mut then: impl FnMut(&str, &Value, &Value)) {
    for entry in fs::read_dir(vectors()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let file: &Value = &serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        for case in file["cases"].as_array().unwrap() {
            let name = format!("{}: {}", path.file_stem().unwrap().display(), case["name"]);
            then(&name, case, &file["keys"]);
        }
    }
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

#[cfg(feature = "edge")]
#[test]
fn a_summary_says_what_the_delivery_says() {
    let mut cases = 0;
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
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(case["now"].as_u64().unwrap_or(0));
        let max_age = Duration::from_millis(case["maxAge"].as_u64().unwrap_or(0));
        let age = delivery.check_age(now, max_age, SKEW);
        assert_eq!(summary.check_age(now, max_age, SKEW), age, "{name}");
    });
    assert!(cases >= 200, "only {cases} cases were found");
}

#[test]
fn every_mistake_has_its_cause() {
    let mut cases = 0;
    let mut failures = Vec::new();
    each(|name, case, keys| {
        if let Some(expected) = case.get("explain") {
            let got = explanation(case, keys);
            let mut expected = expected.clone();
            // Where a case has none, there must be none.
            expected.as_object_mut().unwrap().entry("difference").or_insert(Value::Null);
            if got != expected {
                failures.push(format!("{name}\n  {got}\n  {expected}"));
            }
            cases += 1;
        }
    });
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(cases >= 100, "only {cases} cases were found");
}

#[test]
fn an_explanation_never_contradicts_the_verdict() {
    each(|name, case, keys| {
        let (verdict, explanation) = (verdict(case, keys), explanation(case, keys));
        // No limit applies to what is explained.
        if verdict["code"] != "body_too_large" {
            let right = verdict.get("keyIndex").is_some();
            assert_eq!(explanation["ok"], right, "{name}");
            let code = if right { &Value::Null } else { &verdict["code"] };
            assert_eq!(explanation["code"], *code, "{name}");
        }
    });
}
