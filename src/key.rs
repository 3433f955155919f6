use core::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Serialize;
use sha2::Sha256;
use zeroize::ZeroizeOnDrop;

use crate::{Error, Signature};

// The state of an HMAC is two states of the hash. This fails to compile if they are not wiped on drop.
const fn assert_wiped_on_drop<T: ZeroizeOnDrop>() {}
const _: () = assert_wiped_on_drop::<Sha256>();

/// The most keys that one [`Keys`] holds.
pub const MAX_KEYS: usize = 4;

/// Signs bodies as Walnut does: HMAC-SHA256 (RFC 2104).
///
/// It holds the state of the HMAC, computed once. With the feature `edge`, it also holds the block that is hashed
/// before a body, which is as secret as the key. Both are wiped on drop and never printed.
#[derive(Clone)]
pub struct Key {
    hmac: Hmac<Sha256>,
    #[cfg(feature = "edge")]
    pads: pads::Pads,
}

impl Key {
    /// Makes a key from the text that Walnut's settings show. Its bytes are used unchanged: nothing is trimmed or
    /// decoded.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidKey`] if `bytes` is empty.
    pub fn new(bytes: impl AsRef<[u8]>) -> Result<Self, Error> {
        let bytes = bytes.as_ref();
        if bytes.is_empty() {
            return Err(Error::InvalidKey { keys: 1 });
        }
        // HMAC accepts a key of any length. Its constructor is fallible only because some other MACs reject a length.
        let hmac = Hmac::new_from_slice(bytes).map_err(|_| Error::InvalidKey { keys: 1 })?;
        Ok(Self {
            hmac,
            #[cfg(feature = "edge")]
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
        Signature::from_hmac(self.hmac().chain_update(body))
    }

    /// Clones the state of the HMAC, to sign one body.
    pub(crate) fn hmac(&self) -> Hmac<Sha256> {
        self.hmac.clone()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(redacted)")
    }
}

/// Holds one to four keys: the current one first, then previous ones that may still sign after a reset.
///
/// A [`Key`] and an array of one to four convert into it. [`Keys::new`] makes it from any other collection.
///
/// ```
/// # use walnut_webhooks::{Key, Keys, Verifier};
/// let verifier = Verifier::new([Key::new("current")?, Key::new("previous")?]);
///
/// let configured = vec![Key::new("current")?];
/// let verifier = Verifier::new(Keys::new(configured)?);
/// # Ok::<(), walnut_webhooks::Error>(())
/// ```
///
/// An empty array and an array of five do not compile:
///
/// ```compile_fail,E0277
/// # use walnut_webhooks::{Key, Verifier};
/// Verifier::new(["1", "2", "3", "4", "5"].map(|key| Key::new(key).unwrap()));
/// ```
#[derive(Clone, Debug)]
pub struct Keys(Vec<Key>);

impl Keys {
    /// Collects keys, the current one first.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidKey`] for no key, or more than [`MAX_KEYS`].
    pub fn new(keys: impl IntoIterator<Item = Key>) -> Result<Self, Error> {
        let keys: Vec<Key> = keys.into_iter().collect();
        if keys.is_empty() || keys.len() > MAX_KEYS {
            // The number is never 1 here: 1 stands for an empty key.
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

/// Implements the conversion for each allowed number of keys, so that any other number does not compile.
macro_rules! from_arrays {
    ($($length:literal)*) => {$(
        impl From<[Key; $length]> for Keys {
            fn from(keys: [Key; $length]) -> Self {
                Self(keys.into())
            }
        }
    )*};
}

from_arrays! { 1 2 3 4 }

/// Identifies the key among [`Keys`] that matched: 0 is the current one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
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

    /// Returns whether the current key matched.
    #[must_use]
    pub const fn is_current(self) -> bool {
        self.0 == 0
    }
}

/// HMAC in two halves (RFC 2104), for a host with a faster SHA-256. The host hashes the inner block and the body, which
/// is most of the work. This crate does the rest.
#[cfg(feature = "edge")]
mod pads {
    use sha2::{Digest, Sha256};
    use zeroize::Zeroizing;

    use super::{Key, Signature};

    /// The length of SHA-256's block, in bytes.
    pub(crate) const BLOCK: usize = 64;

    #[derive(Clone)]
    pub(super) struct Pads {
        /// On the heap, because a move of the block itself would leave a copy on the stack.
        inner: Box<Zeroizing<[u8; BLOCK]>>,
        outer: Sha256,
    }

    impl Pads {
        pub(super) fn new(key: &[u8]) -> Self {
            let mut block = Zeroizing::new([0; BLOCK]);
            let digest =
                (key.len() > BLOCK).then(|| Zeroizing::new(<[u8; 32]>::from(Sha256::digest(key))));
            let key = digest.as_ref().map_or(key, |digest| digest.as_slice());
            block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
            let mut inner = Box::new(Zeroizing::new([0; BLOCK]));
            inner.iter_mut().zip(block.iter()).for_each(|(to, from)| *to = from ^ 0x36);
            block.iter_mut().for_each(|byte| *byte ^= 0x5c);
            Self { inner, outer: Sha256::new_with_prefix(block.as_slice()) }
        }
    }

    impl Key {
        /// Returns the block that is hashed before the body.
        pub(crate) fn inner_block(&self) -> &[u8; BLOCK] {
            &self.pads.inner
        }

        /// Makes the signature from the SHA-256 of the inner block and the body.
        pub(crate) fn sign_hashed(&self, inner: &[u8; 32]) -> Signature {
            Signature::new(self.pads.outer.clone().chain_update(inner).finalize().into())
        }
    }
}

#[cfg(feature = "edge")]
pub(crate) use pads::BLOCK;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn does_not_print_a_key() {
        let keys = Keys::from(Key::new("opensesame").unwrap());
        assert_eq!(format!("{keys:?}"), "Keys([Key(redacted)])");
    }

    #[test]
    fn accepts_one_to_four_keys() {
        let key = Key::new("k").unwrap();
        let keys = |n: usize| Keys::new(core::iter::repeat_n(key.clone(), n));
        assert_eq!(keys(0).unwrap_err(), Error::InvalidKey { keys: 0 });
        assert!(keys(1).is_ok());
        assert!(keys(4).is_ok());
        assert_eq!(keys(5).unwrap_err(), Error::InvalidKey { keys: 5 });
        assert_eq!(Key::new("").unwrap_err(), Error::InvalidKey { keys: 1 });
    }

    #[test]
    fn converts_from_a_key_and_from_arrays_in_their_order() {
        let key = |name: &str| Key::new(name).unwrap();
        let all: [Keys; 5] = [
            key("1").into(),
            [key("1")].into(),
            [key("1"), key("2")].into(),
            [key("1"), key("2"), key("3")].into(),
            [key("1"), key("2"), key("3"), key("4")].into(),
        ];
        for (keys, expected) in all.iter().zip([1, 1, 2, 3, 4]) {
            assert_eq!(keys.as_slice().len(), expected);
            for (key, name) in keys.as_slice().iter().zip(["1", "2", "3", "4"]) {
                assert_eq!(key.sign(""), Key::new(name).unwrap().sign(""));
            }
        }
        assert_eq!(MAX_KEYS, 4);
    }
}
