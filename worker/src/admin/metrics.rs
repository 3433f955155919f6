//! The status as `OpenMetrics` text.

use js_sys::Object;
use wasm_bindgen::{JsCast, JsValue};

use crate::js::{get, items, text as text_of, whole};

/// Writes a status as metrics. Times are seconds since the Unix epoch.
pub(super) fn text(status: &JsValue) -> String {
    let mut text = Text::default();
    text.family("deliveries", "gauge", "Deliveries stored, by state.");
    for (state, count) in counts(status, "deliveries") {
        text.sample("deliveries", &[("state", &state)], count);
    }
    text.family(
        "duplicates",
        "gauge",
        "Arrivals that were counted and not stored, of those remembered.",
    );
    text.sample("duplicates", &[], of(status, "duplicates"));
    text.family("refused", "counter", "Requests refused, by code.");
    for (code, count) in counts(status, "failures") {
        text.sample("refused_total", &[("code", &code)], count);
    }
    text.family("pending", "gauge", "Deliveries that a destination is still to take.");
    for destination in destinations(status) {
        let pending = of(&destination, "pending");
        text.sample("pending", &[("destination", &name(&destination))], pending);
    }
    for (metric, field, help) in [
        ("last_taken_timestamp_seconds", "lastTaken", "When a destination last took a delivery."),
        ("last_failed_timestamp_seconds", "lastFailed", "When a destination last did not."),
    ] {
        text.family(metric, "gauge", help);
        for destination in destinations(status) {
            let time = of(&destination, field);
            text.seconds(metric, &[("destination", &name(&destination))], time);
        }
    }
    text.family(
        "oldest_pending_timestamp_seconds",
        "gauge",
        "When the oldest pending delivery came.",
    );
    text.seconds("oldest_pending_timestamp_seconds", &[], of(status, "oldestPending"));
    text.family("last_received_timestamp_seconds", "gauge", "When a delivery last came.");
    text.seconds("last_received_timestamp_seconds", &[], of(status, "lastReceived"));
    text.family("key_matched_timestamp_seconds", "gauge", "When a key last matched.");
    for key in ["current", "previous"] {
        text.seconds(
            "key_matched_timestamp_seconds",
            &[("key", key)],
            of(&get(status, "keys"), key),
        );
    }
    text.family("stored_bytes", "gauge", "The size of the databases.");
    text.sample("stored_bytes", &[], of(status, "bytes"));
    text.0.push_str("# EOF\n");
    text.0
}

fn destinations(status: &JsValue) -> impl Iterator<Item = JsValue> + use<> {
    items(&get(status, "destinations"))
}

fn name(destination: &JsValue) -> String {
    text_of(&get(destination, "name")).unwrap_or_default()
}

fn of(object: &JsValue, field: &str) -> Option<u64> {
    whole(&get(object, field))
}

/// Reads an object of counts.
fn counts(status: &JsValue, field: &str) -> Vec<(String, Option<u64>)> {
    let all = get(status, field);
    let names = all.dyn_ref::<Object>().map(Object::keys).unwrap_or_default();
    let names = names.iter().filter_map(|name| text_of(&name));
    names.map(|name| (name.clone(), of(&all, &name))).collect()
}

/// The text as far as it is written. What is named in it needs no escaping: codes, states, and names of
/// destinations.
#[derive(Default)]
struct Text(String);

impl Text {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let lines = format!("# TYPE walnut_{name} {kind}\n# HELP walnut_{name} {help}\n");
        self.0.push_str(&lines);
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: Option<u64>) {
        let labels: Vec<String> =
            labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
        let labels =
            if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        if let Some(value) = value {
            let line = format!("walnut_{name}{labels} {value}\n");
            self.0.push_str(&line);
        }
    }

    /// A time that there may not be, in milliseconds.
    fn seconds(&mut self, name: &str, labels: &[(&str, &str)], value: Option<u64>) {
        self.sample(name, labels, value.map(|milliseconds| milliseconds / 1000));
    }
}
