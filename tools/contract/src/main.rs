//! Prints the contract, as Rust declares it, as JSON.

use std::io;

use walnut_webhooks::contract::CONTRACT;

fn main() -> serde_json::Result<()> {
    serde_json::to_writer(io::stdout(), &CONTRACT)
}
