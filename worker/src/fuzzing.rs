//! The configuration as the fuzz target sees it: only in builds with the feature `fuzzing`.

use walnut_webhooks::Verifier;

use crate::config::{self, Config, Mode};

/// The settings that were read. Times are in milliseconds.
#[derive(Debug)]
pub struct Configured {
    /// The mistakes, a sentence each. There are none in direct mode.
    pub mistakes: Vec<String>,
    /// Possible mistakes, a sentence each.
    pub warnings: Vec<String>,
    /// The path that Walnut posts to; `None` if it is a mistake.
    pub path: Option<String>,
    /// The verifier of the valid keys; `None` if no key is valid.
    pub verifier: Option<Verifier>,
    /// Whether the mode is direct.
    pub direct: bool,
    /// `MAX_BODY_BYTES`, `SHARDS` and `MAX_ATTEMPTS`.
    pub numbers: [u64; 3],
    /// `ORIGIN_TIMEOUT`, `MAX_EVENT_AGE`, `MAX_DELIVERY_AGE`, `RETENTION` and `ALERT_SILENCE`; `None` is no limit.
    pub times: [Option<u64>; 5],
    /// `JURISDICTION`, `ADMIN_TOKEN` and `ALERT_URL`.
    pub texts: [Option<String>; 3],
    /// The header with the address of the client.
    pub client_ip_header: String,
    /// The end of the previous key, since the Unix epoch, while that key is valid.
    pub previous_until: Option<u64>,
    /// The destinations.
    pub destinations: Vec<Destination>,
}

/// A destination.
#[derive(Debug)]
pub struct Destination {
    /// Its name.
    pub name: String,
    /// Its URL.
    pub url: String,
    /// The names of the events that it wants; `None` is all events.
    pub events: Option<Vec<String>>,
    /// Its headers.
    pub headers: Vec<(String, String)>,
}

/// The parts of a URL.
#[derive(Debug)]
pub struct Url {
    /// The scheme and a colon.
    pub protocol: String,
    /// The user name before the host.
    pub username: String,
    /// The password before the host.
    pub password: String,
    /// The host without its port; an IPv6 address is in brackets.
    pub hostname: String,
    /// The whole URL.
    pub href: String,
}

/// Reads the configuration, and returns the settings at a time, in milliseconds since the Unix epoch. `set` is the names
/// of all variables, and `parse` parses a URL.
///
/// # Errors
///
/// The mistakes in the configuration, a sentence each, if the edge can't receive events with them.
pub fn read(
    binding: impl Fn(&str) -> Option<String>,
    set: &[String],
    parse: impl Fn(&str) -> Option<Url>,
    now: u64,
) -> Result<Configured, Vec<String>> {
    let parse = |text: &str| {
        let Url { protocol, username, password, hostname, href } = parse(text)?;
        Some(config::Url { protocol, username, password, hostname, href })
    };
    let settings = Config::read(binding, set, &parse)?.at(now)?;
    let destinations = settings.destinations.iter().map(|it| Destination {
        name: it.name.clone(),
        url: it.url.clone(),
        events: it.events.clone(),
        headers: it.headers.clone(),
    });
    Ok(Configured {
        mistakes: settings.mistakes.clone(),
        warnings: settings.warnings.clone(),
        path: settings.path.clone(),
        verifier: settings.verifier.clone(),
        direct: settings.mode == Mode::Direct,
        numbers: [
            u64::try_from(settings.max_body_bytes).unwrap_or(u64::MAX),
            settings.shards.into(),
            settings.limits.max_attempts.into(),
        ],
        times: [
            Some(settings.timeout_ms.into()),
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
        client_ip_header: settings.client_ip_header.clone(),
        previous_until: settings.previous_until,
        destinations: destinations.collect(),
    })
}
