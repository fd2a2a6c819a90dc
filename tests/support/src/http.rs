//! Requests to a server over HTTP.

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::Client;
use serde_json::{Value, json};

use crate::wait::{DEADLINE, eventually};

/// An HTTP client that fails when an answer takes too long, instead of waiting for ever.
pub fn http() -> Client {
    let client = Client::builder().timeout(DEADLINE);
    client.build().expect("a client")
}

/// Creates a drawing and returns its id.
pub async fn create_drawing(address: SocketAddr) -> String {
    let url = format!("http://{address}/api/drawings");
    let response = http().post(url).json(&json!({"title": "Plan"})).send();
    let response = response.await.expect("an answer");
    let status = response.status();
    let drawing: Value = response.json().await.expect("JSON");
    assert_eq!(status, 201, "{drawing}");
    drawing["id"].as_str().expect("an id").to_owned()
}

/// A whole drawing.
pub async fn strokes(address: SocketAddr, drawing: &str) -> Value {
    strokes_after(address, drawing, 0).await
}

/// A drawing after this position.
pub async fn strokes_after(address: SocketAddr, drawing: &str, since: usize) -> Value {
    let url = format!("http://{address}/api/drawings/{drawing}/strokes?since={since}");
    let response = http().get(url).send().await.expect("an answer");
    assert_eq!(response.status(), 200);
    response.json().await.expect("JSON")
}

/// All of `/metrics`.
pub async fn metrics(address: SocketAddr) -> String {
    let response = http().get(format!("http://{address}/metrics")).send().await;
    response.expect("an answer").text().await.expect("text")
}

/// One number of `/metrics`, by its name and labels.
pub async fn metric(address: SocketAddr, series: &str) -> f64 {
    let text = metrics(address).await;
    let rest = text.lines().find_map(|line| line.strip_prefix(series));
    let value = rest.and_then(|value| value.trim().parse().ok());
    value.unwrap_or_else(|| panic!("no {series} in {text}"))
}

/// Waits until a number of `/metrics` meets a condition; returns how long that took.
pub async fn metric_is(address: SocketAddr, series: &str, holds: impl Fn(f64) -> bool) -> Duration {
    eventually(series, async || holds(metric(address, series).await)).await
}

/// The status of the answer to a GET, if there is an answer.
pub async fn status(url: &str) -> Option<u16> {
    let response = http().get(url).send().await.ok()?;
    Some(response.status().as_u16())
}

/// Waits until an address answers with this status; returns how long that took.
pub async fn answers(url: &str, expected: u16) -> Duration {
    let what = format!("{expected} from {url}");
    eventually(&what, async || status(url).await == Some(expected)).await
}

/// Waits until `/readyz` answers with this status; returns how long that took.
pub async fn ready(address: SocketAddr, expected: u16) -> Duration {
    answers(&format!("http://{address}/readyz"), expected).await
}
