//! Checks that a body is accepted if and only if another implementation of HMAC-SHA256 accepts it, and that
//! the same key matches, whether this crate or the host hashes. Errors follow the contract's order.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ring::digest;
use walnut_webhooks::{Error, Key, Keys, Verified, Verifier};
use walnut_webhooks_fuzz::{Input, sign, spoil, verdict};

fuzz_target!(|bytes: &[u8]| {
    let mut input = Input::new(bytes);
    let how = input.byte();
    let signer = usize::from(input.byte());
    let slack = usize::from(input.byte());
    let keys = input.keys();
    let with = input.part();
    let signed = input.part();
    let body = input.rest();

    // The body is the signed one, unless a different one follows in the input.
    let body = if body.is_empty() { signed } else { body };
    let signature = sign(&keys[signer % keys.len()], signed);
    let header = spoil(&signature, how, with);
    let header = header.as_deref();
    // The limit may be below, at or above the length of the body.
    let limit = (body.len() + slack).saturating_sub(2);
    let expected = verdict(&keys, body, header, limit);

    let made = keys.iter().map(|key| Key::new(key).unwrap());
    let verifier = Verifier::new(Keys::new(made).unwrap()).with_max_body_bytes(limit);
    let index = |result: Result<Verified<'_>, Error>| match result {
        Ok(verified) => {
            assert_eq!(verified.body(), body);
            assert_eq!(verified.key_index().is_current(), verified.key_index().get() == 0);
            Ok(verified.key_index().get())
        }
        Err(error) => Err(error.code()),
    };
    assert_eq!(index(verifier.verify(body, header)), expected);

    let sha256 = |block: &[u8; 64]| {
        let hash = digest::digest(&digest::SHA256, &[&block[..], body].concat());
        hash.as_ref().try_into().unwrap()
    };
    assert_eq!(index(verifier.verify_hashed(body, header, sha256)), expected);

    // The check before the body is read must not contradict the final verdict.
    match verifier.precheck(header, Some(body.len())) {
        Ok(_) => assert!(matches!(expected, Ok(_) | Err("signature_mismatch"))),
        Err(error) => assert_eq!(Err(error.code()), expected),
    }
    assert_eq!(verifier.current_key().unwrap().sign(body).to_string(), sign(&keys[0], body));
});
