//! The status as `OpenMetrics` text (<https://prometheus.io/docs/specs/om/open_metrics_spec/>).

use super::status::{Status, Stranded};
use crate::protocol::{Count, DestinationStatus, QuarantineStatus};

type Time = fn(&DestinationStatus) -> Option<u64>;

/// The times of each destination.
const TIMES: [(&str, &str, Time); 4] = [
    ("last_taken_timestamp_seconds", "When a destination last accepted a delivery.", |it| {
        it.last_taken
    }),
    ("last_failed_timestamp_seconds", "When an attempt to a destination last failed.", |it| {
        it.last_failed
    }),
    (
        "failing_since_timestamp_seconds",
        "When the first attempt since the last success failed.",
        |it| it.failing_since,
    ),
    ("paused_since_timestamp_seconds", "When a destination was paused.", |it| it.paused_since),
];

/// Writes a status as metrics. Times are in seconds since the Unix epoch.
pub(super) fn text(status: &Status) -> String {
    let mut text = Text::default();
    text.family("deliveries", "gauge", "Deliveries stored, by state.");
    for Count { name, count } in &status.deliveries.0 {
        text.sample("deliveries", &[("state", name)], *count);
    }
    text.family("duplicates", "gauge", "Duplicates that were counted and not stored.");
    text.sample("duplicates", &[], status.duplicates);
    text.family("refused", "counter", "Requests rejected, by code.");
    for Count { name, count } in &status.failures.0 {
        text.sample("refused_total", &[("code", name)], *count);
    }
    let QuarantineStatus { kept, bytes, recovered, dropped } = status.quarantine;
    text.family("quarantine_kept", "gauge", "Rejected requests that are kept.");
    text.sample("quarantine_kept", &[], kept);
    text.family("quarantine_bytes", "gauge", "The size of the kept bodies.");
    text.sample("quarantine_bytes", &[], bytes);
    text.family("quarantine_recovered", "counter", "Kept requests that became deliveries.");
    text.sample("quarantine_recovered_total", &[], recovered);
    text.family(
        "quarantine_dropped",
        "counter",
        "Requests not kept, because the quarantine was full.",
    );
    text.sample("quarantine_dropped_total", &[], dropped);
    text.family("drift", "gauge", "Differences from the documented shapes that were seen.");
    text.sample("drift", &[], status.drift);
    text.family("pending", "gauge", "Deliveries that a destination has not accepted yet.");
    for destination in &status.destinations {
        text.sample("pending", &[("destination", &destination.name)], destination.pending);
    }
    text.family("stranded", "gauge", "Deliveries pending for a name that is not a destination.");
    for Stranded { name, pending } in &status.stranded {
        text.sample("stranded", &[("destination", name)], *pending);
    }
    for (name, help, time) in TIMES {
        text.family(name, "gauge", help);
        for destination in &status.destinations {
            text.seconds(name, &[("destination", &destination.name)], time(destination));
        }
    }
    let oldest = "oldest_pending_timestamp_seconds";
    text.family(oldest, "gauge", "When the oldest pending delivery was received.");
    text.seconds(oldest, &[], status.oldest_pending);
    let received = "last_received_timestamp_seconds";
    text.family(received, "gauge", "When a delivery was last received.");
    text.seconds(received, &[], status.last_received);
    let matched = "key_matched_timestamp_seconds";
    text.family(matched, "gauge", "When a key last verified a delivery.");
    let last = status.keys.last_match();
    text.seconds(matched, &[("key", "current")], last.current);
    text.seconds(matched, &[("key", "previous")], last.previous);
    text.family("stored_bytes", "gauge", "The size of the databases.");
    text.sample("stored_bytes", &[], status.bytes);
    text.family("shard_up", "gauge", "Whether a shard answered: 1, or 0.");
    for shard in 0..status.shards {
        let is_up = !status.broken_shards.contains(&shard);
        text.sample("shard_up", &[("shard", &shard.to_string())], is_up.into());
    }
    text.0.push_str("# EOF\n");
    text.0
}

/// The text so far. Labels are codes, states and names of destinations, so they need no escaping.
#[derive(Default)]
struct Text(String);

impl Text {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let lines = format!("# TYPE walnut_{name} {kind}\n# HELP walnut_{name} {help}\n");
        self.0.push_str(&lines);
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: u64) {
        let labels: Vec<String> =
            labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
        let labels =
            if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let line = format!("walnut_{name}{labels} {value}\n");
        self.0.push_str(&line);
    }

    /// Writes a time in milliseconds, if there is one.
    fn seconds(&mut self, name: &str, labels: &[(&str, &str)], value: Option<u64>) {
        if let Some(milliseconds) = value {
            self.sample(name, labels, milliseconds / 1000);
        }
    }
}
