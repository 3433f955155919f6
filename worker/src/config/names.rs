use super::near::nearest;

/// Every variable and secret of the edge.
pub(super) const VARIABLES: [&str; 32] = [
    "WALNUT_WEBHOOK_KEY",
    "WALNUT_WEBHOOK_KEY_PREVIOUS",
    "WALNUT_WEBHOOK_KEY_PREVIOUS_UNTIL",
    "SETUP",
    "ORIGIN_URL",
    "DESTINATIONS",
    "DESTINATIONS_2",
    "DESTINATIONS_3",
    "DESTINATIONS_4",
    "DESTINATIONS_5",
    "DESTINATIONS_6",
    "DESTINATIONS_7",
    "DESTINATIONS_8",
    "DESTINATIONS_9",
    "ALLOW_LOOPBACK",
    "WEBHOOK_PATH",
    "ORIGIN_TIMEOUT",
    "MAX_BODY_BYTES",
    "MODE",
    "SHARDS",
    "JURISDICTION",
    "MAX_EVENT_AGE",
    "MAX_ATTEMPTS",
    "MAX_DELIVERY_AGE",
    "RETENTION",
    "MAX_STORED_MB",
    "ALERT_URL",
    "ALERT_FORMAT",
    "ALERT_SILENCE",
    "ADMIN_TOKEN",
    "QUARANTINE",
    "CLIENT_IP_HEADER",
];

/// The former names of variables, each with its current name and an example of a value.
const RENAMED: [(&str, &str, &str); 3] = [
    ("ORIGIN_TIMEOUT_MS", "ORIGIN_TIMEOUT", "20s"),
    ("RETENTION_DAYS", "RETENTION", "7d"),
    ("ALERT_SILENCE_HOURS", "ALERT_SILENCE", "24h"),
];

/// The variables of builds with failpoints.
const FAILPOINTS: &[&str] =
    if cfg!(feature = "failpoints") { &["FAILPOINT", "FAILPOINT_URL"] } else { &[] };

const MOST_SHOWN_BYTES: usize = 64;

/// The problems with the names of an environment.
#[derive(Default)]
pub(super) struct Names {
    pub(super) mistakes: Vec<String>,
    pub(super) warnings: Vec<String>,
    /// The unset variables for which a misspelling or a former name is set, with that name.
    pub(super) misnamed: Vec<(&'static str, String)>,
}

/// Checks the names of the variables that are set.
pub(super) fn check(set: &[String]) -> Names {
    let mut names = Names::default();
    let is_set = |name: &str| set.iter().any(|other| other == name);
    let unset: Vec<&str> = VARIABLES.into_iter().filter(|name| !is_set(name)).collect();
    for name in set {
        if VARIABLES.contains(&name.as_str()) || FAILPOINTS.contains(&name.as_str()) {
            continue;
        }
        let renamed = RENAMED.iter().find(|(old, ..)| old == name);
        let meant = renamed.map(|(_, new, _)| *new).or_else(|| nearest(name, &unset));
        match (renamed, meant) {
            (Some((old, new, example)), _) => names.mistakes.push(format!(
                "{old} is now {new}, whose value has a unit: remove {old}, and set {new}, such as \
                 {new}={example}"
            )),
            (None, Some(meant)) if name.bytes().all(|c| c.is_ascii_alphanumeric() || b"_-".contains(&c)) => {
                let sentence = format!("{name} is not a variable of the edge: did you mean {meant}?");
                names.mistakes.push(sentence);
            }
            (None, Some(meant)) => names.mistakes.push(format!(
                "the name of a variable is almost {meant}: rename it to {meant}, or remove it"
            )),
            (None, None) if may_be_shown(name) => names.warnings.push(format!(
                "{name} is not a variable of the edge, and has no effect: remove it"
            )),
            (None, None) => names.warnings.push(
                "the name of a variable is too long, or has characters other than capital letters, digits and _: \
                 the edge has no such variable, so it has no effect"
                    .to_owned(),
            ),
        }
        if let Some(meant) = meant.filter(|meant| !is_set(meant)) {
            names.misnamed.push((meant, name.clone()));
        }
    }
    names
}

/// Returns whether an unknown name has the form of a variable's name. Otherwise it may be a value, such as a
/// key.
fn may_be_shown(name: &str) -> bool {
    name.len() <= MOST_SHOWN_BYTES
        && name.bytes().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == b'_')
}
