//! Checks that a header is parsed if and only if it is 64 lowercase hex digits, and that the signature then
//! has these digits.

#![no_main]

use libfuzzer_sys::fuzz_target;
use walnut_webhooks::{Error, Key, MalformedSignature, Signature, Verifier};
use walnut_webhooks_fuzz::is_well_formed;

/// Returns the reason that must be reported for a malformed header.
fn reason(header: &[u8]) -> MalformedSignature {
    let is_digit = |c: &u8| b"0123456789abcdefABCDEF".contains(c);
    match header.len() {
        0 => MalformedSignature::Empty,
        64 => match header.iter().position(|c| !is_digit(c)) {
            Some(index) => MalformedSignature::Character(index),
            None => MalformedSignature::Uppercase,
        },
        length => MalformedSignature::Length(length),
    }
}

fuzz_target!(|header: &[u8]| {
    let parsed = Signature::parse(header);
    match &parsed {
        Ok(signature) => {
            assert!(is_well_formed(header), "{header:?} was accepted");
            assert_eq!(signature.to_string().as_bytes(), header);
            assert_eq!(format!("{signature:?}"), "Signature(redacted)");
        }
        Err(error) => {
            assert!(!is_well_formed(header), "{header:?} was rejected");
            assert_eq!(*error, Error::MalformedSignature(reason(header)));
            assert!(error.to_string().len() < 200);
        }
    }

    // The other functions that read a header agree.
    let verifier = Verifier::new(Key::new("k").unwrap());
    assert_eq!(verifier.precheck(header, None), parsed);
    let code = |error: Error| error.code();
    let verified = verifier.verify("", header).map(|_| ()).map_err(code);
    let streamed = verifier.stream().finish(header).map(|_| ()).map_err(code);
    assert_eq!(streamed, verified);
    if parsed.is_err() {
        assert_eq!(verified, Err("malformed_signature"));
    }
});
