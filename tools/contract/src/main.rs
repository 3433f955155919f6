//! Prints the contract from its Rust declarations as JSON.

use std::io;

use serde::Serialize;
use walnut_webhooks::contract::{CONTRACT, Contract};
use walnut_webhooks_explain::Cause;

#[derive(Serialize)]
struct Printed {
    #[serde(flatten)]
    contract: &'static Contract,
    causes: &'static [Cause],
}

fn main() -> serde_json::Result<()> {
    serde_json::to_writer(io::stdout(), &Printed { contract: &CONTRACT, causes: Cause::ALL })
}
