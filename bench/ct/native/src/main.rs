//! Times one comparison many times: `ct <target> <measurements>`. Prints a line for each measurement: the class, 0
//! (near) or 1 (far), and the nanoseconds of a batch. `bench/ct/ct.mjs` describes the classes, and judges the result.

#![expect(clippy::disallowed_methods, reason = "this program runs on a platform with a clock")]

use std::hint::black_box;
use std::io::{BufWriter, Write, stdout};
use std::time::{Instant, SystemTime};

use walnut_webhooks::{Key, Signature, Verifier};

const DIGITS: usize = 64;

/// Runs a batch of comparisons, with a header or with the signature parsed from it.
type Run<'r> = dyn Fn(&[u8; DIGITS], &Signature) + 'r;

/// Xorshift, which is random enough to toss a coin.
struct Coins(u64);

impl Coins {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// An unsafe comparison: it stops at the first different digit.
fn leaks(one: &[u8], other: &[u8]) -> bool {
    one.iter().zip(other).all(|(one, other)| one == other)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, target, measurements] = arguments.as_slice() else {
        return Err("usage: ct <target> <measurements>".into());
    };
    let body = [b'x'; 20];
    let key = Key::new("a key")?;
    let signature = key.sign(body);
    let right = signature.to_string().into_bytes();
    let verifier = Verifier::new(key.clone());

    // Each batch compares a header with a signature often enough for the resolution of the clock.
    let run: Box<Run> = match target.as_str() {
        "signature" => Box::new(|_, guess| repeat(64, || *guess == *black_box(&signature))),
        "signature-leaky" => Box::new(|header, _| repeat(64, || leaks(header, black_box(&right)))),
        "verify" => Box::new(|header, _| repeat(4, || verifier.verify(&body, header).is_ok())),
        "verify-leaky" => Box::new(|header, _| {
            repeat(4, || leaks(header, black_box(&key).sign(body).to_string().as_bytes()));
        }),
        _ => return Err("no such target".into()),
    };

    let seed = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_nanos();
    let mut coins = Coins(u64::try_from(seed & u128::from(u64::MAX))? | 1);
    let mut out = BufWriter::new(stdout());
    // Both classes are made in advance: to make one in the loop would affect the next measurement.
    let classes = [DIGITS - 1, 0].map(|wrong| {
        let mut header = right.clone();
        // A letter stays a letter: `a` becomes `b`, and `9` becomes `8`.
        let digit = &mut header[wrong];
        *digit = if digit.is_ascii_digit() { *digit ^ 1 } else { ((*digit - 1) ^ 1) + 1 };
        header
    });
    let mut header = [0; DIGITS];
    for _ in 0..measurements.parse()? {
        let far = usize::from(coins.next() & 1 == 1);
        // Both classes use the same memory, because the address also affects the time.
        header.copy_from_slice(black_box(&classes[far]));
        let guess = Signature::parse(&header)?;
        let began = Instant::now();
        run(black_box(&header), black_box(&guess));
        let took = began.elapsed().as_nanos();
        writeln!(out, "{far} {took}")?;
    }
    Ok(())
}

fn repeat(times: u32, compare: impl Fn() -> bool) {
    for _ in 0..times {
        black_box(compare());
    }
}
