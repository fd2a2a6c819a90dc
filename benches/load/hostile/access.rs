//! The same for each kind of access: none, keys that are worth nothing, and all that are worth
//! something, each with a flood of what moves a pointer and of what is stored.

use std::time::Duration;

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::Method;
use serde_json::{Value, json};
use support::http::http;
use time::OffsetDateTime;

use super::attack::Attack;
use super::pair::{Pair, Seen};
use super::{ATTACKERS, IMPATIENT, MOST_TURNS, PAUSE, SIGNAL, Target, WATCHED, turns};
use crate::frames;
use crate::server::Server;

/// The keys that tokens are signed with here.
const SIGNER: &[u8] = include_bytes!("../../../tests/support/keys/signer.pem");
const PUBLIC: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/support/keys/signer.pub.pem"
);
/// How long a token lasts: longer than all attacks.
const LASTS: Duration = Duration::from_secs(3600);
/// Strokes that each attacker draws, again and again, and the run that they belong to: those of all
/// attackers have the same ids.
const STROKES: u64 = 200;
const ATTACKED: u64 = 3;
/// A key that no drawing has.
const UNKNOWN: &str = "AAAAAAAAAAAAAAAAAAAAAA";

/// Prints the effect of each attack by each kind of access, and fails when a bound does not hold.
pub async fn run() -> Result<(), String> {
    println!("\nhostile-access: {ATTACKERS} sockets at once for each kind of access");
    Seen::print_header();
    let mode = [
        ("WHITEBOARD_ACCESS", "jwt"),
        ("WHITEBOARD_JWT_KEYS", PUBLIC),
    ];
    let server = Server::start_limited(&[&IMPATIENT[..], &mode].concat());
    let host = server.address.to_string();
    let creator = token("own");
    let quiet = {
        let site = Site::create(&server, &creator).await?;
        let mut pair = site.pair(&server).await?;
        pair.watch(&server, PAUSE).await?;
        pair.watch(&server, WATCHED).await?
    };
    quiet.print("quiet", &quiet, "");
    let mut broken = Vec::new();
    for holder in ["none", "unknown", "revoked", "view", "draw", "own", "token"] {
        for flood in ["signals", "ops"] {
            let site = Site::create(&server, &creator).await?;
            let mut pair = site.pair(&server).await?;
            pair.watch(&server, PAUSE).await?;
            let shown = match holder {
                "none" => None,
                "unknown" => Some(UNKNOWN.to_owned()),
                "revoked" => Some(site.revoked().await?),
                "token" => Some(token("draw")),
                level => Some(site.key(level).await?.1),
            };
            let texts = match flood {
                "signals" => vec![SIGNAL.to_owned()],
                _ => strokes(),
            };
            let hello = shown.map(|shown| frames::hello_with(Some("Flood"), &shown));
            let attack = Attack::texts(hello, &texts);
            let target = Target {
                address: server.address,
                host: &host,
                drawing: &site.drawing,
            };
            let turns = turns(&server, &mut pair, &attack, &target, &quiet, 1..=MOST_TURNS);
            let (turns, told) = turns.await?;
            let (seen, name) = (Seen::of_turns(turns), format!("{flood}, access {holder}"));
            seen.print(&name, &quiet, &format!("{told:?}"));
            seen.check(&name, &quiet, &mut broken);
            if told.keys().any(|word| !word.starts_with('4')) {
                broken.push(format!("{name}: not everyone was told why"));
            }
        }
    }
    if broken.is_empty() {
        Ok(())
    } else {
        Err(broken.join("; "))
    }
}

/// Frames that draw new strokes.
fn strokes() -> Vec<String> {
    let body = frames::body();
    let draw = |n| frames::draw(n, frames::stroke_id(ATTACKED, n as usize), &body);
    (1..=STROKES).map(draw).collect()
}

/// A signed token for all drawings.
fn token(access: &str) -> String {
    let key = EncodingKey::from_ed_pem(SIGNER).expect("a key");
    let ends = OffsetDateTime::now_utc() + LASTS;
    let claims = json!({"drawings": "*", "access": access, "exp": ends.unix_timestamp()});
    encode(&Header::new(Algorithm::EdDSA), &claims, &key).expect("a token")
}

/// A drawing and its owner's key.
struct Site {
    server: std::net::SocketAddr,
    drawing: String,
    own: String,
}

impl Site {
    async fn create(server: &Server, creator: &str) -> Result<Self, String> {
        let url = format!("http://{}/api/drawings", server.address);
        let made = ask(Method::POST, url, creator, json!({"title": "Plan"})).await?;
        Ok(Self {
            server: server.address,
            drawing: text(&made["id"]),
            own: text(&made["key"]),
        })
    }

    /// The two people who draw and watch, who have the owner's key.
    async fn pair(&self, server: &Server) -> Result<Pair, String> {
        let hello = |name: Option<&str>| frames::hello_with(name, &self.own);
        Pair::open(server, &self.drawing, &hello).await
    }

    /// A new key of this level: its public id, and itself.
    async fn key(&self, level: &str) -> Result<(String, String), String> {
        let url = format!("http://{}/api/drawings/{}/keys", self.server, self.drawing);
        let wanted = json!({"access": level, "name": "Flood"});
        let made = ask(Method::POST, url, &self.own, wanted).await?;
        Ok((text(&made["id"]), text(&made["key"])))
    }

    /// A key that was taken back.
    async fn revoked(&self) -> Result<String, String> {
        let (id, key) = self.key("draw").await?;
        let (server, drawing) = (self.server, &self.drawing);
        let url = format!("http://{server}/api/drawings/{drawing}/keys/{id}");
        ask(Method::DELETE, url, &self.own, Value::Null).await?;
        Ok(key)
    }
}

async fn ask(method: Method, url: String, key: &str, body: Value) -> Result<Value, String> {
    let request = http().request(method, url).bearer_auth(key).json(&body);
    let response = request.send().await.map_err(|error| error.to_string())?;
    let status = response.status();
    let answer = response.text().await.map_err(|error| error.to_string())?;
    match status.is_success() {
        true => Ok(serde_json::from_str(&answer).unwrap_or_default()),
        false => Err(format!("{status}: {answer}")),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
