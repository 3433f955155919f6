//! Receives Walnut's webhooks in axum:  `WALNUT_WEBHOOK_KEY=... cargo run --package axum-example`
//!
//! Copy [`walnut`] into your server, and enable the feature `http` of `walnut-webhooks`. A handler that takes a
//! [`walnut::Webhook`] runs for genuine deliveries only.

#![allow(clippy::print_stdout, reason = "the example prints each delivery")]

#[cfg(test)]
mod tests;
mod walnut;

use std::{env, sync::Arc};

use axum::{Json, Router, routing::post};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use walnut_webhooks::{Key, Verifier};

#[tokio::main]
async fn main() -> Result<(), Box<dyn core::error::Error>> {
    let key = Key::new(env::var("WALNUT_WEBHOOK_KEY").unwrap_or_default())?;
    let verifier = Arc::new(Verifier::new(key));
    let app = Router::new().route("/webhook", post(receive)).with_state(verifier);
    let port = env::var("PORT").unwrap_or_else(|_| String::from("3000"));
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("listening on http://{}/webhook", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}

async fn receive(walnut::Webhook(delivery): walnut::Webhook) -> Json<Value> {
    println!("{} {}", delivery.event_type(), delivery.id);
    Json(json!({ "ok": true }))
}
