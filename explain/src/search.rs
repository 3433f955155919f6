use walnut_webhooks::{Key, Signature};
use zeroize::Zeroizing;

use crate::json::{Spelling, Style, WriteNumber};
use crate::{Cause, Difference, MAX_EXPLAINED_BODY_BYTES, body, json, key};

/// The most bytes that are hashed with each key while mistakes in a body are undone: 6 MiB. Bodies of up to 12 KiB never
/// reach this limit.
const MAX_HASHED_BYTES: usize = 6 << 20;

/// Looks for the key or the body that produces a signature.
pub(crate) struct Search<'s> {
    signing: &'s [Key],
    received: &'s Signature,
    /// How many bytes may still be hashed with each key.
    remaining: usize,
    /// How many bodies have been signed.
    #[cfg(test)]
    bodies: usize,
}

impl<'s> Search<'s> {
    pub(crate) fn new(signing: &'s [Key], received: &'s Signature) -> Self {
        Self {
            signing,
            received,
            remaining: MAX_HASHED_BYTES,
            #[cfg(test)]
            bodies: 0,
        }
    }

    /// Explains a signature that no key produces for this body.
    pub(crate) fn explain(
        &mut self,
        keys: &[impl AsRef<[u8]>],
        body: &[u8],
        has_encoding: bool,
    ) -> (Cause, Option<Difference>) {
        if let Some(cause) = keys.iter().find_map(|key| self.find_key(key.as_ref(), body)) {
            return (cause, None);
        }
        if body.len() > MAX_EXPLAINED_BODY_BYTES {
            return (Cause::BodyTooLargeToExplain, None);
        }
        let mut signed = Vec::new();
        if let Some(cause) = self.find_body(body, &mut signed) {
            let differs_throughout =
                matches!(cause, Cause::BodyBase64 | Cause::BodyEncodedTwice | Cause::BodyCharset);
            return (cause, (!differs_throughout).then(|| Difference::between(body, &signed)));
        }
        (body::likely_cause(body, has_encoding), None)
    }

    fn find_key(&self, key: &[u8], body: &[u8]) -> Option<Cause> {
        let undone = key::UNDOS.iter().find(|(_, undo)| {
            let mut signing = Zeroizing::new(Vec::with_capacity(key::room(key)));
            undo(key, &mut signing);
            *signing != key
                && Key::new(signing.as_slice()).is_ok_and(|key| key.sign(body) == *self.received)
        });
        undone.map(|(cause, _)| *cause)
    }

    /// Finds the body that was signed, and writes it to `signed`.
    fn find_body(&mut self, body: &[u8], signed: &mut Vec<u8>) -> Option<Cause> {
        for (cause, undo) in &body::UNDOS {
            signed.clear();
            undo(body, signed);
            if self.complete_newline(signed) {
                return Some(*cause);
            }
        }
        let is_found = self.find_json(body, signed) || self.find_decimals(body, signed);
        is_found.then_some(Cause::BodyReformatted)
    }

    /// Finds the JSON of a body as it was before it was parsed and written again, apart from its numbers.
    fn find_json(&mut self, body: &[u8], signed: &mut Vec<u8>) -> bool {
        let spellings = json::distinct_spellings(body, json::SPELLINGS.len());
        json::STYLES.iter().any(|style| {
            spellings.iter().any(|spelling| {
                self.rewrite(body, style, spelling, &mut json::keep, signed);
                self.complete_newline(signed)
            })
        })
    }

    /// Finds the JSON of a body whose numbers lost or gained zeros after the decimal point. Numbers of the same name
    /// are written alike. The names that have decimals are unknown, so all combinations of a few names are tried.
    fn find_decimals(&mut self, body: &[u8], signed: &mut Vec<u8>) -> bool {
        let names = json::names(body);
        let combinations = (0..names.len()).fold(1_u32, |count, _| count.saturating_mul(2));
        // The serializers that keep such zeros write like JavaScript or like Python.
        let spellings = json::distinct_spellings(body, 2);
        json::STYLES.iter().take(2).any(|style| {
            spellings.iter().any(|spelling| {
                self.rewrite(body, style, spelling, &mut json::without_zeros, signed);
                self.is_signed(signed)
                    || (1..=json::MAX_DECIMALS).any(|decimals| {
                        (1..combinations).any(|chosen| {
                            let mut complete = |name: &[u8], number: &[u8], out: &mut Vec<u8>| {
                                let index = names.iter().position(|one| *one == name);
                                let is_chosen = index.is_some_and(|at| (chosen >> at) & 1 == 1);
                                json::complete(number, if is_chosen { decimals } else { 0 }, out);
                            };
                            self.rewrite(body, style, spelling, &mut complete, signed);
                            self.is_signed(signed)
                        })
                    })
            })
        })
    }

    /// Writes JSON in another style, unless the limit is reached.
    fn rewrite<'t>(
        &self,
        body: &'t [u8],
        style: &Style,
        spelling: &Spelling,
        write_number: WriteNumber<'_, 't>,
        signed: &mut Vec<u8>,
    ) {
        signed.clear();
        if self.remaining > 0 {
            json::write(body, style, spelling, write_number, signed);
        }
    }

    /// Returns whether a body is the signed one, and adds the newline at its end if the signed body has one.
    ///
    /// A newline at the end is often lost and cheap to try, so it is tried with every other mistake.
    fn complete_newline(&mut self, body: &mut Vec<u8>) -> bool {
        let length = body.len();
        length > 0
            && [&b""[..], b"\n", b"\r\n"].iter().any(|end| {
                body.truncate(length);
                body.extend_from_slice(end);
                self.is_signed(body)
            })
    }

    /// Returns whether a body is the signed one. Returns `false` once the limit is reached.
    fn is_signed(&mut self, body: &[u8]) -> bool {
        self.remaining = self.remaining.saturating_sub(body.len());
        if self.remaining == 0 {
            return false;
        }
        #[cfg(test)]
        {
            self.bodies = self.bodies.saturating_add(1);
        }
        self.signing.iter().any(|key| key.sign(body) == *self.received)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Explains a body without a known mistake, and returns how many bodies and bytes were hashed.
    fn effort(keys: usize, body: &[u8]) -> (usize, usize) {
        let signing: Vec<_> = (0..keys).map(|_| Key::new("key").unwrap()).collect();
        let received = Key::new("another").unwrap().sign("");
        let mut search = Search::new(&signing, &received);
        assert_eq!(search.explain(&vec!["key"; keys], body, false), (Cause::Unknown, None));
        (search.bodies, MAX_HASHED_BYTES.saturating_sub(search.remaining))
    }

    /// A body that each spelling writes differently.
    fn costly(padding: usize) -> Vec<u8> {
        let padding = "x".repeat(padding);
        format!(r#" {{"a":1,"b":2,"c":3,"d":4,"e":5,"f":"é/<='\"{padding}"}} "#).into_bytes()
    }

    #[test]
    fn signs_at_most_450_bodies_with_each_key() {
        let [ends, decimals] = [3, 1 + json::MAX_DECIMALS * 31];
        let bodies = body::UNDOS.len() + json::SPELLINGS.len() * json::STYLES.len();
        let most = 1 + key::UNDOS.len() + bodies * ends + 2 * 2 * decimals;
        assert!(most <= 450, "{most}");
        let (bodies, _) = effort(1, &costly(0));
        assert!((most - 60..=most).contains(&bodies), "{bodies}");
    }

    #[test]
    fn signs_about_150_bodies_for_a_usual_event() {
        let event = include_bytes!("../../tests/vectors/bodies/demo.json");
        let (bodies, _) = effort(1, event);
        assert!((100..=200).contains(&bodies), "{bodies}");
    }

    #[test]
    fn hashes_at_most_6_mib_with_each_key() {
        for keys in [1, 4] {
            let (bodies, bytes) = effort(keys, &costly(60_000));
            assert_eq!(bytes, MAX_HASHED_BYTES);
            assert!((90..=110).contains(&bodies), "{bodies}");
        }
    }

    #[test]
    fn tries_everything_with_bodies_of_12_kib() {
        assert_eq!(effort(4, &costly(12 << 10)).0, effort(1, &costly(0)).0);
    }
}
