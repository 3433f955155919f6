//! Verifies a kept request with the keys that are set now, and explains the result.

use crate::config::Settings;
use crate::forward::Headline;
use crate::inbox::KEPT_MS;
use crate::js::now;
use crate::keys::KeySlot;
use crate::receive;

/// The result of verifying a kept request.
pub(crate) struct Finding {
    /// Set if a key verifies it, and it was not too old when it was received.
    pub(crate) genuine: Option<Headline>,
    pub(crate) cause: Cause,
}

/// The reason why a request is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    NoKey,
    UnknownKey,
    PreviousKey,
    /// The current key verifies it, so it is kept only until it is delivered.
    CurrentKey,
    /// It was too old when it was received.
    Stale,
    /// It is so old by now that its ID may have been forgotten: it may be a copy of an older delivery.
    Late,
    /// Work on it has trapped too often.
    Trapped,
}

/// Verifies a kept request with the keys that are set now. Its age is measured at the time of receipt.
pub(crate) fn verify(settings: &Settings, body: &[u8], signature: &str, received: u64) -> Finding {
    let rejected = |cause| Finding { genuine: None, cause };
    let Some(verifier) = &settings.verifier else { return rejected(Cause::NoKey) };
    let Ok(verified) = verifier.verify(body, signature) else {
        return rejected(Cause::UnknownKey);
    };
    let age = settings.max_event_age_ms;
    let Ok(headline) = receive::headline(&verified, age, received) else {
        return rejected(Cause::Stale);
    };
    let remembered = age.map(|age| age.max(KEPT_MS));
    let cause = match headline.key_slot {
        KeySlot::Current if receive::headline(&verified, remembered, now()).is_err() => Cause::Late,
        KeySlot::Current => Cause::CurrentKey,
        _ => Cause::PreviousKey,
    };
    Finding { genuine: Some(headline), cause }
}

impl Finding {
    /// Returns the key that verifies the request.
    pub(crate) fn slot(&self) -> Option<KeySlot> {
        self.genuine.as_ref().map(|headline| headline.key_slot)
    }
}

impl Cause {
    pub(crate) fn as_str(self) -> &'static str {
        self.code_and_fix().0
    }

    pub(crate) fn fix(self) -> &'static str {
        self.code_and_fix().1
    }

    fn code_and_fix(self) -> (&'static str, &'static str) {
        match self {
            Self::NoKey => {
                ("no_key", "Set WALNUT_WEBHOOK_KEY to the key that Walnut's settings show.")
            }
            Self::UnknownKey => (
                "unknown_key",
                "Set WALNUT_WEBHOOK_KEY to the key that Walnut's settings show. Ignore the request if Walnut did not send it.",
            ),
            Self::PreviousKey => (
                "previous_key",
                "Deliver it, if you know that Walnut sent it. After a leak, others can sign with the previous key too.",
            ),
            Self::CurrentKey => ("current_key", "Nothing: it is delivered soon."),
            Self::Stale => (
                "stale",
                "Raise MAX_EVENT_AGE, if Walnut sent it: it was older than that when it arrived.",
            ),
            Self::Late => (
                "late",
                "Deliver it, if it is not in the log: the edge does not remember IDs for so long.",
            ),
            Self::Trapped => (
                "trapped",
                "Deliver it by hand: the edge gave up after two crashes. Please report that.",
            ),
        }
    }
}
