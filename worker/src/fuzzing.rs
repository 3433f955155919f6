//! What the fuzzer sees of the configuration: only in the build with the feature `fuzzing`, never in the one that
//! is deployed.

use walnut_webhooks::Verifier;

use crate::config::{Config, Mode};

/// What was read, as far as it can be checked from outside. Times are in milliseconds.
#[derive(Debug)]
pub struct Configured {
    /// Where Walnut posts to.
    pub path: String,
    /// Checks with the keys that count.
    pub verifier: Verifier,
    /// Whether nothing is stored.
    pub direct: bool,
    /// `MAX_BODY_BYTES`, `ORIGIN_TIMEOUT_MS`, `SHARDS` and `MAX_ATTEMPTS`.
    pub numbers: [u64; 4],
    /// `MAX_EVENT_AGE`, `MAX_DELIVERY_AGE`, `RETENTION_DAYS` and `ALERT_SILENCE_HOURS`; `None` is none.
    pub times: [Option<u64>; 4],
    /// `JURISDICTION`, `ADMIN_TOKEN` and `ALERT_URL`.
    pub texts: [Option<String>; 3],
    /// The end of the previous key, since the Unix epoch, while that key counts.
    pub previous_until: Option<u64>,
    /// Where deliveries go.
    pub destinations: Vec<Destination>,
}

/// A destination that was read.
#[derive(Debug)]
pub struct Destination {
    /// Its name.
    pub name: String,
    /// Its URL.
    pub url: String,
    /// Which events it wants.
    pub events: Option<Vec<String>>,
    /// Its headers.
    pub headers: Vec<(String, String)>,
}

/// Reads the configuration, and returns what holds at a time, in milliseconds since the Unix epoch. `is_url` tells
/// whether a text is a URL.
///
/// # Errors
///
/// What is wrong with it, a sentence each.
pub fn read(
    binding: impl Fn(&str) -> Option<String>,
    is_url: impl Fn(&str) -> bool,
    now: u64,
) -> Result<Configured, Vec<String>> {
    let settings = Config::read(binding, is_url)?.at(now)?;
    let destinations = settings.destinations.iter().map(|it| Destination {
        name: it.name.clone(),
        url: it.url.clone(),
        events: it.events.clone(),
        headers: it.headers.clone(),
    });
    Ok(Configured {
        path: settings.path.clone(),
        verifier: settings.verifier.clone(),
        direct: settings.mode == Mode::Direct,
        numbers: [
            u64::try_from(settings.max_body_bytes).unwrap_or(u64::MAX),
            settings.timeout_ms.into(),
            settings.shards.into(),
            settings.limits.max_attempts.into(),
        ],
        times: [
            settings.max_event_age_ms,
            Some(settings.limits.max_age_ms),
            Some(settings.retention_ms),
            settings.silence_ms,
        ],
        texts: [
            settings.jurisdiction.clone(),
            settings.admin_token.clone(),
            settings.alert_url.clone(),
        ],
        previous_until: settings.previous_until,
        destinations: destinations.collect(),
    })
}
