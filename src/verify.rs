use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

use crate::{Delivery, Error, Header, Key, KeyIndex, Keys, Signature, json, reading};
#[cfg(feature = "edge")]
use crate::{Summary, key};

/// The default limit on a body's length, in bytes: 1 MiB.
pub const MAX_BODY_BYTES: usize = 1 << 20;

/// Checks bodies against one to four keys.
///
/// It is reusable, `Send` and `Sync`.
#[derive(Clone, Debug)]
pub struct Verifier {
    keys: Keys,
    max_body_bytes: usize,
}

impl Verifier {
    /// Makes a verifier from a [`Key`], from an array of up to four, or from [`Keys`]. Any of them may match.
    pub fn new(keys: impl Into<Keys>) -> Self {
        Self { keys: keys.into(), max_body_bytes: MAX_BODY_BYTES }
    }

    /// Sets the limit on a body's length, in bytes. The default is [`MAX_BODY_BYTES`].
    #[must_use]
    pub fn with_max_body_bytes(mut self, limit: usize) -> Self {
        self.max_body_bytes = limit;
        self
    }

    /// Checks a body, byte for byte as received, against the value of `X-Walnut-Signature`. [`Header`] lists what that value
    /// may be: text, bytes, or with the feature `http` all headers of a request.
    ///
    /// # Errors
    ///
    /// In this order: [`Error::MissingSignature`], [`Error::MalformedSignature`],
    /// [`Error::BodyTooLarge`], [`Error::SignatureMismatch`].
    pub fn verify<'b, 'h>(
        &self,
        body: &'b (impl AsRef<[u8]> + ?Sized),
        header: impl Into<Header<'h>>,
    ) -> Result<Verified<'b>, Error> {
        let body = body.as_ref();
        let signature = self.precheck(header, Some(body.len()))?;
        let key_index =
            find_key(self.keys.as_slice().iter().map(|key| key.sign(body)), &signature)?;
        Ok(Verified { body, key_index })
    }

    /// Returns the inner block of HMAC (RFC 2104) for each key, in the order of the keys. For [`Verifier::verify_hashed`],
    /// the host hashes this block before the body. A block is as secret as its key.
    #[cfg(feature = "edge")]
    pub fn inner_blocks(&self) -> impl Iterator<Item = &[u8; key::BLOCK]> {
        self.keys.as_slice().iter().map(Key::inner_block)
    }

    /// Checks a body that the host hashes: `sha256` returns the SHA-256 of an inner block followed by the body. This crate
    /// trusts the result, and compares the signatures itself.
    ///
    /// # Errors
    ///
    /// As [`Verifier::verify`].
    #[cfg(feature = "edge")]
    pub fn verify_hashed<'b, 'h>(
        &self,
        body: &'b (impl AsRef<[u8]> + ?Sized),
        header: impl Into<Header<'h>>,
        sha256: impl FnMut(&[u8; key::BLOCK]) -> [u8; 32],
    ) -> Result<Verified<'b>, Error> {
        let body = body.as_ref();
        let key_index = self.find_key_hashed(body.len(), header, sha256)?;
        Ok(Verified { body, key_index })
    }

    /// Does the same as [`Verifier::verify_hashed`] for a body that only the host has.
    #[cfg(feature = "edge")]
    pub(crate) fn find_key_hashed<'h>(
        &self,
        length: usize,
        header: impl Into<Header<'h>>,
        mut sha256: impl FnMut(&[u8; key::BLOCK]) -> [u8; 32],
    ) -> Result<KeyIndex, Error> {
        let signature = self.precheck(header, Some(length))?;
        let keys = self.keys.as_slice().iter();
        find_key(keys.map(|key| key.sign_hashed(&sha256(key.inner_block()))), &signature)
    }

    /// Starts to check a body that arrives in pieces. The pieces are not stored.
    ///
    /// ```
    /// # use walnut_webhooks::{Key, Verifier};
    /// let key = Key::new("key")?;
    /// let header = key.sign("one two").to_string();
    /// let verifier = Verifier::new(key);
    ///
    /// let mut stream = verifier.stream();
    /// stream.update("one ")?;
    /// stream.update("two")?;
    /// assert!(stream.finish(&header)?.is_current());
    /// # Ok::<(), walnut_webhooks::Error>(())
    /// ```
    #[must_use]
    pub fn stream(&self) -> Stream {
        Stream {
            hmacs: self.keys.as_slice().iter().map(Key::hmac).collect(),
            remaining: self.max_body_bytes,
            limit: self.max_body_bytes,
            is_over_limit: false,
        }
    }

    /// Returns the key that signs: the first one.
    #[must_use]
    pub fn current_key(&self) -> Option<&Key> {
        self.keys.current()
    }

    /// Checks a request before its body is read: the header's form, and the body's declared length.
    ///
    /// # Errors
    ///
    /// As [`Verifier::verify`], but never [`Error::SignatureMismatch`].
    pub fn precheck<'h>(
        &self,
        header: impl Into<Header<'h>>,
        length: Option<usize>,
    ) -> Result<Signature, Error> {
        let signature = Signature::parse(header)?;
        match length {
            Some(length) if self.is_too_long(length) => {
                Err(Error::BodyTooLarge { limit: self.max_body_bytes })
            }
            _ => Ok(signature),
        }
    }

    pub(crate) fn is_too_long(&self, length: usize) -> bool {
        length > self.max_body_bytes
    }
}

/// Finds the key that made a signature. `calculated` has one signature for each key. Each comparison is constant-time;
/// which key matched is not secret.
fn find_key(
    mut calculated: impl ExactSizeIterator<Item = Signature>,
    signature: &Signature,
) -> Result<KeyIndex, Error> {
    let keys = calculated.len();
    calculated
        .position(|calculated| calculated == *signature)
        .map(KeyIndex::new)
        .ok_or(Error::SignatureMismatch { keys })
}

/// A body that is being checked while it arrives: see [`Verifier::stream`].
#[derive(Clone, Debug)]
pub struct Stream {
    hmacs: Vec<Hmac<Sha256>>,
    /// The number of bytes that may still arrive.
    remaining: usize,
    limit: usize,
    /// Whether a piece exceeded the limit. Later pieces are then rejected, even if they would fit.
    is_over_limit: bool,
}

impl Stream {
    /// Adds the next piece of the body.
    ///
    /// # Errors
    ///
    /// [`Error::BodyTooLarge`] for the piece that exceeds the limit, and for every later one. Stop reading then.
    pub fn update(&mut self, chunk: impl AsRef<[u8]>) -> Result<(), Error> {
        let chunk = chunk.as_ref();
        match self.remaining.checked_sub(chunk.len()) {
            Some(remaining) if !self.is_over_limit => self.remaining = remaining,
            _ => {
                self.is_over_limit = true;
                return Err(Error::BodyTooLarge { limit: self.limit });
            }
        }
        for hmac in &mut self.hmacs {
            hmac.update(chunk);
        }
        Ok(())
    }

    /// Ends the body and checks it against the value of `X-Walnut-Signature`.
    ///
    /// # Errors
    ///
    /// As [`Verifier::verify`].
    pub fn finish<'h>(self, header: impl Into<Header<'h>>) -> Result<KeyIndex, Error> {
        let signature = Signature::parse(header)?;
        if self.is_over_limit {
            return Err(Error::BodyTooLarge { limit: self.limit });
        }
        find_key(self.hmacs.into_iter().map(Signature::from_hmac), &signature)
    }
}

/// A verified body: only a [`Verifier`] makes one.
#[derive(Clone, Copy, Debug)]
pub struct Verified<'b> {
    body: &'b [u8],
    key_index: KeyIndex,
}

impl<'b> Verified<'b> {
    /// Returns the body, byte for byte as signed.
    #[must_use]
    pub fn body(&self) -> &'b [u8] {
        self.body
    }

    /// Returns which key matched.
    #[must_use]
    pub fn key_index(&self) -> KeyIndex {
        self.key_index
    }

    /// Returns the idempotency key that identifies the body by its bytes alone: `body:` and its lowercase hex SHA-256.
    #[must_use]
    pub fn body_id(&self) -> String {
        reading::body_id(&Sha256::digest(self.body))
    }

    /// Reads the body as a delivery. A body is never rejected because of its shape.
    ///
    /// # Errors
    ///
    /// Only [`Error::NotJson`].
    pub fn delivery(&self) -> Result<Delivery, Error> {
        Delivery::new(json::parse(self.body)?, || self.body_id(), self.key_index)
    }

    /// Reads the part of the body that a host needs to store or forward it.
    ///
    /// # Errors
    ///
    /// Only [`Error::NotJson`].
    #[cfg(feature = "edge")]
    pub fn summary(&self) -> Result<Summary, Error> {
        Summary::new(&json::parse(self.body)?, || self.body_id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn shared<T: Send + Sync>() {}
    const _: () = shared::<Verifier>();

    #[test]
    fn verified_holds_the_body_and_the_key_that_matched() {
        let [current, previous] = ["current", "previous"].map(|key| Key::new(key).unwrap());
        let headers = [&current, &previous].map(|key| key.sign("abc").to_string());
        let verifier = Verifier::new(Keys::new([current, previous]).unwrap());
        let signer = verifier.current_key().unwrap();
        assert_eq!(signer.sign("abc").to_string(), headers[0]);
        for (header, is_current) in headers.iter().zip([true, false]) {
            let verified = verifier.verify("abc", header).unwrap();
            assert_eq!(verified.body(), b"abc");
            assert_eq!(verified.key_index().is_current(), is_current);
        }
    }

    #[test]
    fn a_stream_over_the_limit_stays_rejected() {
        let key = Key::new("k").unwrap();
        let header = key.sign("abc").to_string();
        let verifier = Verifier::new(key).with_max_body_bytes(3);
        let over = Error::BodyTooLarge { limit: 3 };

        let mut stream = verifier.stream();
        stream.update("abc").unwrap();
        assert!(stream.clone().finish(&header).is_ok());
        assert_eq!(stream.update("d"), Err(over.clone()));
        assert_eq!(stream.update(""), Err(over.clone()));
        assert_eq!(stream.clone().finish(None::<&str>), Err(Error::MissingSignature));
        assert_eq!(stream.finish(&header), Err(over));
    }

    #[cfg(feature = "edge")]
    #[test]
    fn a_host_that_hashes_gets_the_same_verdict() {
        let keys = Keys::new([Key::new("k").unwrap(), Key::new([7; 65]).unwrap()]).unwrap();
        let verifier = Verifier::new(keys).with_max_body_bytes(3);
        let sha256 = |block: &[u8; key::BLOCK], body: &str| {
            Sha256::new_with_prefix(block).chain_update(body).finalize().into()
        };
        assert_eq!(verifier.inner_blocks().count(), 2);
        for (key, index) in [("k".as_bytes(), 0), (&[7; 65], 1)] {
            let header = Key::new(key).unwrap().sign("abc").to_string();
            let checked = verifier.verify_hashed("abc", &header, |block| sha256(block, "abc"));
            assert_eq!(checked.map(|verified| verified.key_index().get()), Ok(index));
            let forged = verifier.verify_hashed("abd", &header, |block| sha256(block, "abd"));
            assert_eq!(forged.err(), Some(Error::SignatureMismatch { keys: 2 }));
        }
        let header = Key::new("k").unwrap().sign("abcd").to_string();
        let long = verifier.verify_hashed("abcd", &header, |block| sha256(block, "abcd"));
        assert_eq!(long.err(), Some(Error::BodyTooLarge { limit: 3 }));
    }

    #[test]
    fn any_split_of_a_body_has_the_verdict_of_the_whole() {
        let key = Key::new("k").unwrap();
        let body: Vec<u8> = (0..=200).collect();
        let header = key.sign(&body).to_string();
        let verifier = Verifier::new(key);
        for cut in 0..=body.len() {
            let (head, tail) = body.split_at(cut);
            let mut stream = verifier.stream();
            stream.update(head).unwrap();
            stream.update(tail).unwrap();
            assert_eq!(stream.finish(&header).map(KeyIndex::get), Ok(0), "cut at {cut}");
        }
    }
}
