use std::rc::Rc;

use js_sys::Reflect;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use walnut_webhooks::{Key, Keys, Verifier};
use wasm_bindgen::JsValue;
use worker::{Env, Url};

/// Where health is asked for.
pub(crate) const HEALTH_PATH: &str = "/healthz";

const DEFAULT_PATH: &str = "/webhook";
const DEFAULT_BODY_BYTES: u32 = 1 << 20;
const MOST_BODY_BYTES: u32 = 3 << 19;
const DEFAULT_TIMEOUT_MS: u32 = 20_000;
/// Walnut waits 30 seconds; the rest is for the way back.
const MOST_TIMEOUT_MS: u32 = 28_000;
/// How far ahead the end of the previous key may lie, in milliseconds: 7 days.
const MOST_OVERLAP_MS: u64 = 7 * 24 * 60 * 60 * 1000;

/// What is wrong with the configuration, a sentence each. No sentence contains a value of a secret.
pub(crate) type Mistakes = Vec<String>;

/// The configuration, as far as it does not depend on the time.
#[derive(Debug)]
pub(crate) struct Config {
    settings: Rc<Settings>,
    previous: Option<Previous>,
}

/// What stands in force during the overlap that follows a reset of the key.
#[derive(Debug)]
struct Previous {
    settings: Rc<Settings>,
    /// The overlap's end, in milliseconds since the Unix epoch.
    until: u64,
}

/// What one request needs to know.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) path: String,
    pub(crate) verifier: Verifier,
    pub(crate) max_body_bytes: usize,
    pub(crate) origin: Url,
    pub(crate) timeout_ms: u32,
}

/// Reads bindings by name: text, or a number as text.
pub(crate) fn of(env: &Env) -> impl Fn(&str) -> Option<String> {
    let env: &JsValue = env.as_ref();
    move |name| {
        let value = Reflect::get(env, &JsValue::from_str(name)).ok()?;
        value.as_string().or_else(|| value.as_f64().map(|number| number.to_string()))
    }
}

impl Config {
    /// Reads all variables and secrets, and lists every mistake in them.
    pub(crate) fn read(binding: impl Fn(&str) -> Option<String>) -> Result<Self, Mistakes> {
        let mut reader = Reader { binding, mistakes: Vec::new() };

        reader.mode();
        let path = reader.path();
        let max_body_bytes = reader.number("MAX_BODY_BYTES", DEFAULT_BODY_BYTES, MOST_BODY_BYTES);
        let timeout_ms = reader.number("ORIGIN_TIMEOUT_MS", DEFAULT_TIMEOUT_MS, MOST_TIMEOUT_MS);
        let origin = reader.origin();
        let current = reader.required_key("WALNUT_WEBHOOK_KEY");
        let previous = reader.previous();

        let (Some(origin), Some(current), true) = (origin, current, reader.mistakes.is_empty())
        else {
            return Err(reader.mistakes);
        };
        let max_body_bytes = usize::try_from(max_body_bytes).unwrap_or(usize::MAX);
        let settings = |keys: Keys| {
            Rc::new(Settings {
                path: path.clone(),
                verifier: Verifier::new(keys).with_max_body_bytes(max_body_bytes),
                max_body_bytes,
                origin: origin.clone(),
                timeout_ms,
            })
        };
        let previous = previous
            .map(|(key, until)| {
                Keys::new([current.clone(), key])
                    .map(|keys| Previous { settings: settings(keys), until })
            })
            .transpose()
            .map_err(|error| vec![error.to_string()])?;
        Ok(Self { settings: settings(current.into()), previous })
    }

    /// Returns what holds at a time, in milliseconds since the Unix epoch.
    pub(crate) fn at(&self, now: u64) -> Result<Rc<Settings>, Mistakes> {
        match &self.previous {
            Some(previous) if previous.until.saturating_sub(now) > MOST_OVERLAP_MS => Err(vec![
                "WALNUT_WEBHOOK_KEY_PREVIOUS_UNTIL is more than 7 days ahead: set a nearer time"
                    .to_owned(),
            ]),
            Some(previous) if now < previous.until => Ok(Rc::clone(&previous.settings)),
            _ => Ok(Rc::clone(&self.settings)),
        }
    }
}

struct Reader<B> {
    binding: B,
    mistakes: Mistakes,
}

impl<B: Fn(&str) -> Option<String>> Reader<B> {
    fn mistake<T>(&mut self, sentence: String) -> Option<T> {
        self.mistakes.push(sentence);
        None
    }

    fn get(&self, name: &str) -> Option<String> {
        (self.binding)(name)
    }

    fn mode(&mut self) {
        if let Some(mode) = self.get("MODE").filter(|mode| mode != "direct") {
            self.mistakes.push(format!("MODE is {mode:?}: the only mode is \"direct\""));
        }
    }

    fn path(&mut self) -> String {
        let path = self.get("WEBHOOK_PATH").unwrap_or_else(|| DEFAULT_PATH.to_owned());
        let plain = path.starts_with('/')
            && path.bytes().all(|c| c.is_ascii_alphanumeric() || b"/-._~".contains(&c));
        if !plain || path == HEALTH_PATH {
            self.mistakes.push(format!(
                "WEBHOOK_PATH is {path:?}: it must begin with / and hold only letters, digits and \
                 -._~/, and {HEALTH_PATH} is taken"
            ));
        }
        path
    }

    fn number(&mut self, name: &str, default: u32, most: u32) -> u32 {
        let Some(text) = self.get(name) else { return default };
        match text.parse() {
            Ok(number) if (1..=most).contains(&number) => number,
            _ => {
                self.mistakes.push(format!(
                    "{name} is {text:?}: it must be a whole number from 1 to {most}"
                ));
                default
            }
        }
    }

    fn origin(&mut self) -> Option<Url> {
        let Some(text) = self.get("ORIGIN_URL") else {
            return self.mistake(
                "ORIGIN_URL is not set: set it to the https URL that takes the deliveries"
                    .to_owned(),
            );
        };
        let Ok(url) = Url::parse(&text) else {
            return self.mistake("ORIGIN_URL is not a URL: set it to an https URL".to_owned());
        };
        let safe = url.scheme() == "https" || url.scheme() == "http" && is_loopback(&url);
        if !safe {
            return self.mistake(
                "ORIGIN_URL must be https: deliveries hold personal data (http is for loopback only)"
                    .to_owned(),
            );
        }
        if !url.username().is_empty() || url.password().is_some() {
            return self.mistake("ORIGIN_URL must not hold a user name or password".to_owned());
        }
        Some(url)
    }

    fn required_key(&mut self, name: &str) -> Option<Key> {
        match self.get(name) {
            Some(text) => self.key(name, &text),
            None => self.mistake(format!(
                "{name} is not set: set it to the key shown in Walnut's settings, with `npx wrangler \
                 secret put {name}`"
            )),
        }
    }

    fn key(&mut self, name: &str, text: &str) -> Option<Key> {
        match Key::new(text) {
            Ok(key) => Some(key),
            Err(error) => self.mistake(format!("{name}: {error}")),
        }
    }

    /// The previous key, and the time until which it may match.
    fn previous(&mut self) -> Option<(Key, u64)> {
        const KEY: &str = "WALNUT_WEBHOOK_KEY_PREVIOUS";
        const UNTIL: &str = "WALNUT_WEBHOOK_KEY_PREVIOUS_UNTIL";
        let text = self.get(KEY)?;
        let key = self.key(KEY, &text);
        let until = match self.get(UNTIL) {
            Some(text) => match millis(&text) {
                Some(until) => Some(until),
                None => self
                    .mistake(format!("{UNTIL} is no RFC 3339 time, such as 2026-01-31T12:00:00Z")),
            },
            None => self.mistake(format!(
                "{UNTIL} is not set: {KEY} needs an end, an RFC 3339 time at most 7 days ahead"
            )),
        };
        Some((key?, until?))
    }
}

fn millis(rfc3339: &str) -> Option<u64> {
    let time = OffsetDateTime::parse(rfc3339, &Rfc3339).ok()?;
    let millis = time.unix_timestamp_nanos().checked_div(1_000_000)?;
    // What lies before 1970 has passed like any other time that has.
    Some(u64::try_from(millis).unwrap_or(0))
}

fn is_loopback(url: &Url) -> bool {
    match url.host_str() {
        Some("localhost" | "[::1]") => true,
        Some(host) => host.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback()),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: u64 = 24 * 60 * 60 * 1000;

    fn read(changes: &[(&str, Option<&str>)]) -> Result<Config, Mistakes> {
        Config::read(|name| {
            let change = changes.iter().find(|(changed, _)| *changed == name);
            match (change, name) {
                (Some((_, value)), _) => value.map(str::to_owned),
                (None, "WALNUT_WEBHOOK_KEY") => Some("key".to_owned()),
                (None, "ORIGIN_URL") => Some("https://origin.example/walnut".to_owned()),
                (None, _) => None,
            }
        })
    }

    fn mistakes(changes: &[(&str, Option<&str>)]) -> Mistakes {
        read(changes).err().unwrap_or_default()
    }

    #[test]
    fn the_defaults_are_as_documented() {
        let settings = read(&[]).unwrap().at(0).unwrap();
        assert_eq!(settings.path, "/webhook");
        assert_eq!(settings.max_body_bytes, 1024 * 1024);
        assert_eq!(settings.timeout_ms, 20_000);
    }

    #[test]
    fn every_mistake_is_listed_at_once() {
        let all = mistakes(&[
            ("WALNUT_WEBHOOK_KEY", None),
            ("WALNUT_WEBHOOK_KEY_PREVIOUS", Some("old")),
            ("ORIGIN_URL", Some("ftp://origin.example")),
            ("ORIGIN_TIMEOUT_MS", Some("28001")),
            ("MAX_BODY_BYTES", Some("1.5")),
            ("MODE", Some("durable")),
            ("WEBHOOK_PATH", Some("webhook")),
        ]);
        let begins: Vec<&str> =
            all.iter().filter_map(|mistake| mistake.split_whitespace().next()).collect();
        assert_eq!(
            begins,
            [
                "MODE",
                "WEBHOOK_PATH",
                "MAX_BODY_BYTES",
                "ORIGIN_TIMEOUT_MS",
                "ORIGIN_URL",
                "WALNUT_WEBHOOK_KEY",
                "WALNUT_WEBHOOK_KEY_PREVIOUS_UNTIL",
            ]
        );
    }

    #[test]
    fn limits_have_two_sides() {
        for (name, good, bad) in [
            ("MAX_BODY_BYTES", ["1", "1572864"], ["0", "1572865"]),
            ("ORIGIN_TIMEOUT_MS", ["1", "28000"], ["0", "28001"]),
        ] {
            for value in good {
                assert!(read(&[(name, Some(value))]).is_ok(), "{name}={value}");
            }
            for value in bad {
                assert_eq!(mistakes(&[(name, Some(value))]).len(), 1, "{name}={value}");
            }
        }
    }

    #[test]
    fn plain_http_is_for_loopback_only() {
        for good in
            ["http://localhost:1", "http://127.8.0.1:1", "http://[::1]:1", "https://o.example"]
        {
            assert!(read(&[("ORIGIN_URL", Some(good))]).is_ok(), "{good}");
        }
        for bad in [
            "http://o.example",
            "http://10.0.0.1",
            "http://localhost.o.example",
            "https://user:password@o.example",
            "o.example",
            "",
        ] {
            assert_eq!(mistakes(&[("ORIGIN_URL", Some(bad))]).len(), 1, "{bad}");
        }
    }

    #[test]
    fn the_previous_key_ends() {
        let config = read(&[
            ("WALNUT_WEBHOOK_KEY_PREVIOUS", Some("old")),
            ("WALNUT_WEBHOOK_KEY_PREVIOUS_UNTIL", Some("1970-01-11T00:00:00Z")),
        ])
        .unwrap();
        let until = 10 * DAY_MS;
        let signature = Key::new("old").unwrap().sign("{}").to_string();
        let accepts =
            |now| config.at(now).map(|settings| settings.verifier.verify("{}", &signature).is_ok());
        assert_eq!(accepts(until - 1), Ok(true));
        assert_eq!(accepts(until), Ok(false));
        assert_eq!(accepts(until - 7 * DAY_MS), Ok(true));
        assert!(accepts(until - 7 * DAY_MS - 1).is_err());
    }

    #[test]
    fn a_mistake_does_not_tell_a_key() {
        let all = mistakes(&[
            ("WALNUT_WEBHOOK_KEY", Some("")),
            ("WALNUT_WEBHOOK_KEY_PREVIOUS", Some("opensesame")),
            // The two swapped, say.
            ("WALNUT_WEBHOOK_KEY_PREVIOUS_UNTIL", Some("opensesame")),
        ]);
        assert_eq!(all.len(), 2);
        assert!(!all.concat().contains("opensesame"));
    }
}
