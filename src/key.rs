use core::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::ZeroizeOnDrop;

use crate::{Error, Signature};

// Keyed state is two of the hash's states, which are wiped on drop: without the feature that does it,
// this fails to compile.
const fn wiped<T: ZeroizeOnDrop>() {}
const _: () = wiped::<Sha256>();

/// The most keys that one [`Keys`] holds.
pub const MAX_KEYS: usize = 4;

/// Signs bodies as Walnut does: HMAC-SHA256 (RFC 2104).
///
/// Only the keyed state is held, computed once, and with the feature `hashed` the block that is hashed before a body,
/// which is as secret as the key; both are wiped on drop and never printed.
#[derive(Clone)]
pub struct Key {
    keyed: Hmac<Sha256>,
    #[cfg(feature = "hashed")]
    pads: pads::Pads,
}

impl Key {
    /// Makes a key of the bytes that Walnut's settings show, used as they stand: nothing is trimmed
    /// or decoded.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidKey`] when `bytes` is empty.
    pub fn new(bytes: impl AsRef<[u8]>) -> Result<Self, Error> {
        let bytes = bytes.as_ref();
        if bytes.is_empty() {
            return Err(Error::InvalidKey { keys: 1 });
        }
        // HMAC takes a key of any length; its constructor is fallible for the sake of other MACs.
        let keyed = Hmac::new_from_slice(bytes).map_err(|_| Error::InvalidKey { keys: 1 })?;
        Ok(Self {
            keyed,
            #[cfg(feature = "hashed")]
            pads: pads::Pads::new(bytes),
        })
    }

    /// Calculates the signature of a body.
    ///
    /// ```
    /// # use walnut_webhooks::Key;
    /// // RFC 4231, test case 2
    /// let signature = Key::new("Jefe")?.sign("what do ya want for nothing?");
    /// assert_eq!(
    ///     signature.to_string(),
    ///     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    /// );
    /// # Ok::<(), walnut_webhooks::Error>(())
    /// ```
    #[must_use]
    pub fn sign(&self, body: impl AsRef<[u8]>) -> Signature {
        signature(self.hmac().chain_update(body))
    }

    /// Clones the keyed state, for one calculation.
    pub(crate) fn hmac(&self) -> Hmac<Sha256> {
        self.keyed.clone()
    }
}

/// Ends a calculation.
pub(crate) fn signature(hmac: Hmac<Sha256>) -> Signature {
    Signature::new(hmac.finalize().into_bytes().into())
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(redacted)")
    }
}

/// Holds one to four keys: the current one first, then those that may still be in use after a reset.
#[derive(Clone, Debug)]
pub struct Keys(Vec<Key>);

impl Keys {
    /// Collects keys, the current one first.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidKey`] when there are none, or more than [`MAX_KEYS`].
    pub fn new(keys: impl IntoIterator<Item = Key>) -> Result<Self, Error> {
        let keys: Vec<Key> = keys.into_iter().collect();
        if keys.is_empty() || keys.len() > MAX_KEYS {
            // One key is no error, so the number tells this case from an empty key.
            return Err(Error::InvalidKey { keys: keys.len() });
        }
        Ok(Self(keys))
    }

    /// Returns the current key: the first.
    #[must_use]
    pub fn current(&self) -> Option<&Key> {
        self.0.first()
    }

    pub(crate) fn as_slice(&self) -> &[Key] {
        &self.0
    }
}

impl From<Key> for Keys {
    fn from(key: Key) -> Self {
        Self(vec![key])
    }
}

/// Says which of the [`Keys`] matched: 0 is the current one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyIndex(usize);

impl KeyIndex {
    pub(crate) const fn new(index: usize) -> Self {
        Self(index)
    }

    /// Returns the position among the keys, from 0.
    #[must_use]
    pub const fn get(self) -> usize {
        self.0
    }

    /// Tells whether the current key matched.
    #[must_use]
    pub const fn is_current(self) -> bool {
        self.0 == 0
    }
}

/// HMAC in halves (RFC 2104), for a host whose own SHA-256 is faster than ours: it hashes the inner
/// block and the body, which is most of the work, and the rest stays here.
#[cfg(feature = "hashed")]
mod pads {
    use sha2::{Digest, Sha256};
    use zeroize::Zeroizing;

    use super::{Key, Signature};

    /// The length of SHA-256's block, in bytes.
    pub(crate) const BLOCK: usize = 64;

    #[derive(Clone)]
    pub(super) struct Pads {
        inner: Zeroizing<[u8; BLOCK]>,
        outer: Sha256,
    }

    impl Pads {
        pub(super) fn new(key: &[u8]) -> Self {
            let mut block = Zeroizing::new([0; BLOCK]);
            let digest =
                (key.len() > BLOCK).then(|| Zeroizing::new(<[u8; 32]>::from(Sha256::digest(key))));
            let key = digest.as_ref().map_or(key, |digest| digest.as_slice());
            block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
            let pad = |with: u8| Zeroizing::new(block.map(|byte| byte ^ with));
            Self { inner: pad(0x36), outer: Sha256::new_with_prefix(pad(0x5c).as_slice()) }
        }
    }

    impl Key {
        /// Returns the block that goes before the body.
        pub(crate) fn inner_block(&self) -> &[u8; BLOCK] {
            &self.pads.inner
        }

        /// Makes the signature of the SHA-256 of the inner block and the body.
        pub(crate) fn signature_of(&self, inner: &[u8; 32]) -> Signature {
            Signature::new(self.pads.outer.clone().chain_update(inner).finalize().into())
        }
    }
}

#[cfg(feature = "hashed")]
pub(crate) use pads::BLOCK;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_not_printed() {
        let keys = Keys::from(Key::new("opensesame").unwrap());
        assert_eq!(format!("{keys:?}"), "Keys([Key(redacted)])");
    }

    #[test]
    fn the_number_of_keys_has_two_sides() {
        let key = Key::new("k").unwrap();
        let of = |n: usize| Keys::new(core::iter::repeat_n(key.clone(), n));
        assert_eq!(of(0).unwrap_err(), Error::InvalidKey { keys: 0 });
        assert!(of(1).is_ok());
        assert!(of(4).is_ok());
        assert_eq!(of(5).unwrap_err(), Error::InvalidKey { keys: 5 });
        assert_eq!(Key::new("").unwrap_err(), Error::InvalidKey { keys: 1 });
    }
}
