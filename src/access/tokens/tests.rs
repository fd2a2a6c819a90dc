use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::{Value, json};

use super::*;

macro_rules! key {
    ($name:literal) => {
        include_str!(concat!("../../../tests/support/keys/", $name))
    };
}
const SIGNER: &str = key!("signer.pem");
const PUBLIC: &str = key!("signer.pub.pem");
const JWKS: &str = key!("signer.jwks.json");

fn signed(algorithm: Algorithm, key: &EncodingKey, kid: Option<&str>, claims: &Value) -> String {
    let mut header = Header::new(algorithm);
    header.kid = kid.map(str::to_owned);
    encode(&header, claims, key).unwrap()
}

fn by_signer(claims: &Value) -> String {
    let key = EncodingKey::from_ed_pem(SIGNER.as_bytes()).unwrap();
    signed(Algorithm::EdDSA, &key, None, claims)
}

/// Seconds since 1970, in a while.
fn later() -> u64 {
    crate::access::now() / 1000 + 60
}

fn claims() -> Value {
    json!({"drawings": "*", "access": "draw", "exp": later()})
}

fn keys(text: &str) -> TokenKeys {
    TokenKeys::parse(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn a_token_says_what_its_signer_wrote() {
    let id = DrawingId::random();
    let exp = later();
    let said = json!({"drawings": [id], "access": "view", "exp": exp, "person": "ada@example.org",
        "name": " Ada\n ", "iss": "them", "aud": "us", "sub": "x"});
    let token = by_signer(&said);
    let claims = keys(PUBLIC).claims(&token).unwrap();
    assert_eq!(claims.drawings, Drawings::Listed(vec![id]));
    assert_eq!((claims.level, claims.expires), (Level::View, exp * 1000));
    assert_eq!(claims.name.as_deref(), Some("Ada"));
    assert_eq!(claims.person, Some(person("ada@example.org")));
    assert_ne!(claims.person, Some(person("ben@example.org")));
    assert_eq!(keys(JWKS).claims(&token), Some(claims), "as JWKS too");
}

#[test]
fn a_token_is_worth_nothing_unless_a_public_key_has_signed_it() {
    let all = keys(PUBLIC);
    assert!(all.claims(&by_signer(&claims())).is_some());
    let stranger = EncodingKey::from_ed_pem(key!("stranger.pem").as_bytes()).unwrap();
    let ed = Algorithm::EdDSA;
    assert_eq!(all.claims(&signed(ed, &stranger, None, &claims())), None);
    // The public key as a secret that both sides know.
    let secret = EncodingKey::from_secret(PUBLIC.as_bytes());
    let by_secret = signed(Algorithm::HS256, &secret, None, &claims());
    assert_eq!(all.claims(&by_secret), None);
    let token = by_signer(&claims());
    let parts: Vec<_> = token.split('.').collect();
    let none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0";
    for forged in [
        format!("{none}.{}.", parts[1]),
        format!("{none}.{}.{}", parts[1], parts[2]),
        format!("{}.{}.", parts[0], parts[1]),
        format!("{}.{}", parts[0], parts[1]),
        String::new(),
        "..".into(),
        "a key".into(),
    ] {
        assert_eq!(all.claims(&forged), None, "{forged}");
    }
    let named = |kid| {
        let key = EncodingKey::from_ed_pem(SIGNER.as_bytes()).unwrap();
        keys(JWKS).claims(&signed(ed, &key, Some(kid), &claims()))
    };
    assert!(named("one").is_some() && named("two").is_none());
}

#[test]
fn a_token_that_lacks_something_or_is_over_is_worth_nothing() {
    let all = keys(PUBLIC);
    for (field, value) in [
        ("drawings", json!(null)),
        ("drawings", json!("all")),
        ("drawings", json!(["x"])),
        (
            "drawings",
            json!(vec![DrawingId::random(); MAX_DRAWINGS + 1]),
        ),
        ("access", json!(null)),
        ("access", json!("read")),
        ("exp", json!(null)),
        ("exp", json!(crate::access::now() / 1000 - 1)),
        ("exp", json!("tomorrow")),
        ("nbf", json!(later())),
    ] {
        let mut said = claims();
        said[field] = value;
        assert_eq!(all.claims(&by_signer(&said)), None, "{said}");
    }
}

#[test]
fn keys_of_all_usual_kinds_are_read_and_no_secret_ones() {
    let ec = EncodingKey::from_ec_pem(key!("ec.pem").as_bytes()).unwrap();
    let rsa = EncodingKey::from_rsa_pem(key!("rsa.pem").as_bytes()).unwrap();
    for (public, algorithm, private) in [
        (key!("ec.pub.pem"), Algorithm::ES256, &ec),
        (key!("rsa.pub.pem"), Algorithm::RS256, &rsa),
        (key!("rsa.pub.pem"), Algorithm::PS256, &rsa),
    ] {
        let token = signed(algorithm, private, None, &claims());
        assert!(keys(public).claims(&token).is_some(), "{algorithm:?}");
        assert_eq!(keys(PUBLIC).claims(&token), None);
    }
    let oct = r#"{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}"#;
    for text in [
        "",
        "{}",
        "{\"keys\":[]}",
        oct,
        "secret",
        SIGNER,
        key!("rsa.pem"),
    ] {
        assert!(TokenKeys::parse(text).is_err(), "{text}");
    }
}
