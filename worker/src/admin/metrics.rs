//! The status as `OpenMetrics` text.

use serde_json::Value as Json;

/// Writes a status as metrics. Times are seconds since the Unix epoch.
pub(super) fn text(status: &Json) -> String {
    let mut text = Text::default();
    text.family("deliveries", "gauge", "Deliveries stored, by state.");
    for (state, count) in status["deliveries"].as_object().into_iter().flatten() {
        text.sample("deliveries", &[("state", state)], count);
    }
    text.family(
        "duplicates",
        "gauge",
        "Arrivals that were counted and not stored, of those remembered.",
    );
    text.sample("duplicates", &[], &status["duplicates"]);
    text.family("refused", "counter", "Requests refused, by code.");
    for (code, count) in status["failures"].as_object().into_iter().flatten() {
        text.sample("refused_total", &[("code", code)], count);
    }
    text.family("pending", "gauge", "Deliveries that a destination is still to take.");
    for destination in destinations(status) {
        text.sample("pending", &[("destination", name(destination))], &destination["pending"]);
    }
    for (metric, field, help) in [
        ("last_taken_timestamp_seconds", "lastTaken", "When a destination last took a delivery."),
        ("last_failed_timestamp_seconds", "lastFailed", "When a destination last did not."),
    ] {
        text.family(metric, "gauge", help);
        for destination in destinations(status) {
            text.seconds(metric, &[("destination", name(destination))], &destination[field]);
        }
    }
    text.family(
        "oldest_pending_timestamp_seconds",
        "gauge",
        "When the oldest pending delivery came.",
    );
    text.seconds("oldest_pending_timestamp_seconds", &[], &status["oldestPending"]);
    text.family("last_received_timestamp_seconds", "gauge", "When a delivery last came.");
    text.seconds("last_received_timestamp_seconds", &[], &status["lastReceived"]);
    text.family("key_matched_timestamp_seconds", "gauge", "When a key last matched.");
    for key in ["current", "previous"] {
        text.seconds("key_matched_timestamp_seconds", &[("key", key)], &status["keys"][key]);
    }
    text.family("stored_bytes", "gauge", "The size of the databases.");
    text.sample("stored_bytes", &[], &status["bytes"]);
    text.0.push_str("# EOF\n");
    text.0
}

fn destinations(status: &Json) -> impl Iterator<Item = &Json> {
    status["destinations"].as_array().into_iter().flatten()
}

fn name(destination: &Json) -> &str {
    destination["name"].as_str().unwrap_or_default()
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

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: &Json) {
        let labels: Vec<String> =
            labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
        let labels =
            if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let line = format!("walnut_{name}{labels} {value}\n");
        self.0.push_str(&line);
    }

    /// A time that there may not be, in milliseconds.
    fn seconds(&mut self, name: &str, labels: &[(&str, &str)], value: &Json) {
        if let Some(milliseconds) = value.as_u64() {
            self.sample(name, labels, &Json::from(milliseconds / 1000));
        }
    }
}
