//! Checks that a body in pieces has the verdict of the whole body, for any split and any limit.

#![no_main]

use libfuzzer_sys::fuzz_target;
use walnut_webhooks::{Error, Key, KeyIndex, Keys, Verifier};
use walnut_webhooks_fuzz::{Input, sign, spoil, verdict};

fuzz_target!(|bytes: &[u8]| {
    let mut input = Input::new(bytes);
    let how = input.byte();
    let signer = usize::from(input.byte());
    let slack = usize::from(input.byte());
    let keys = input.keys();
    let with = input.part();
    let lengths = input.part();
    let body = input.rest();

    let signature = sign(&keys[signer % keys.len()], body);
    let header = spoil(&signature, how, with);
    let header = header.as_deref();
    let limit = (body.len() + slack).saturating_sub(8);
    let made = keys.iter().map(|key| Key::new(key).unwrap());
    let verifier = Verifier::new(Keys::new(made).unwrap()).with_max_body_bytes(limit);

    // Each byte is the length of a piece. The last piece is the rest of the body.
    let mut rest = body;
    let mut stream = verifier.stream();
    for length in lengths.iter().copied().chain([u8::MAX]).map(usize::from) {
        let length = if length == 255 { rest.len() } else { length.min(rest.len()) };
        let (piece, left) = rest.split_at(length);
        rest = left;
        let updated = stream.update(piece);
        // The stream rejects the piece that exceeds the limit, and every later one.
        let over = body.len() - rest.len() > limit;
        assert_eq!(updated, if over { Err(Error::BodyTooLarge { limit }) } else { Ok(()) });
        // Finishing a clone does not disturb the stream.
        assert!(stream.clone().finish(None::<&str>).is_err());
    }
    let streamed = stream.finish(header);
    assert_eq!(streamed, verifier.verify(body, header).map(|verified| verified.key_index()));
    let expected = verdict(&keys, body, header, limit);
    assert_eq!(streamed.map(KeyIndex::get).map_err(|error| error.code()), expected);
});
