//! Tokens (JWT) that somebody else signs for this server: who may do what, and until when.
//!
//! A token must never be believed without a signature by one of the public keys, nor by a secret that
//! both sides know.

use std::borrow::Cow;

use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use serde::de::{Deserializer, Error};
use uuid::Uuid;

use crate::domain::access::{Claims, Drawings, Level};
use crate::domain::ids::{DrawingId, PersonId};
use crate::domain::people::MAX_NAME_CHARS;

/// The namespace of the ids of people that tokens name.
const PEOPLE: Uuid = Uuid::from_u128(0x6f1e_9c35_2b0d_4c7a_9d54_1c0f_7a3e_8b21);
/// Most drawings in one token.
const MAX_DRAWINGS: usize = 200;

const RSA: &[Algorithm] = &[
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
];
const EC: &[Algorithm] = &[Algorithm::ES256, Algorithm::ES384];
const ED: &[Algorithm] = &[Algorithm::EdDSA];

/// The public keys that verify tokens.
pub struct TokenKeys(Vec<PublicKey>);

struct PublicKey {
    /// Its name in the header of a token, if it has one.
    id: Option<String>,
    key: DecodingKey,
    algorithms: &'static [Algorithm],
}

/// What a token says.
#[derive(Deserialize)]
struct Said {
    #[serde(deserialize_with = "drawings")]
    drawings: Drawings,
    access: Level,
    #[serde(default)]
    person: Option<String>,
    #[serde(default)]
    name: Option<String>,
    exp: u64,
}

impl TokenKeys {
    /// Reads a public key as PEM, or a set of them as JWKS.
    ///
    /// # Errors
    ///
    /// What is wrong, in words for an operator.
    pub fn parse(text: &str) -> Result<Self, String> {
        let keys = match text.trim_start().starts_with('{') {
            true => from_jwks(text)?,
            false => vec![from_pem(text)?],
        };
        match keys.is_empty() {
            true => Err("it has no public key".to_owned()),
            false => Ok(Self(keys)),
        }
    }

    /// What a token says, if one of the keys has signed it and its time is not over.
    pub(super) fn claims(&self, token: &str) -> Option<Claims> {
        let header = decode_header(token).ok()?;
        let fits = |key: &&PublicKey| {
            let is_named = key.id.is_none() || header.kid.is_none() || key.id == header.kid;
            is_named && key.algorithms.contains(&header.alg)
        };
        let said = self.0.iter().filter(fits).find_map(|key| {
            let mut validation = Validation::new(header.alg);
            validation.leeway = 0;
            validation.validate_nbf = true;
            // Who a token is meant for is said by the drawings in it.
            validation.validate_aud = false;
            let decoded = decode::<Said>(token, &key.key, &validation);
            decoded.ok().map(|decoded| decoded.claims)
        })?;
        Some(Claims {
            drawings: said.drawings,
            level: said.access,
            expires: said.exp.saturating_mul(1000),
            person: said.person.as_deref().map(person),
            name: said.name.as_deref().and_then(name),
        })
    }
}

/// The id of a person that tokens call this: the same on all servers.
fn person(text: &str) -> PersonId {
    PersonId(Uuid::new_v5(&PEOPLE, text.as_bytes()))
}

fn name(text: &str) -> Option<String> {
    let printable = text.chars().filter(|c| !c.is_control());
    let name: String = printable.take(MAX_NAME_CHARS).collect();
    let name = name.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

/// A list of ids, or `"*"` for all.
fn drawings<'de, D: Deserializer<'de>>(value: D) -> Result<Drawings, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Named<'a> {
        #[serde(borrow)]
        Word(Cow<'a, str>),
        List(Vec<DrawingId>),
    }
    match Named::deserialize(value)? {
        Named::Word(word) if word == "*" => Ok(Drawings::All),
        Named::List(listed) if listed.len() <= MAX_DRAWINGS => Ok(Drawings::Listed(listed)),
        _ => Err(Error::custom("drawings is a list of ids, or \"*\"")),
    }
}

fn from_pem(text: &str) -> Result<PublicKey, String> {
    let pem = text.as_bytes();
    let ways = [
        (DecodingKey::from_rsa_pem(pem), RSA),
        (DecodingKey::from_ec_pem(pem), EC),
        (DecodingKey::from_ed_pem(pem), ED),
    ];
    let read = ways.into_iter().find_map(|(key, algorithms)| {
        let (id, key) = (None, key.ok()?);
        Some(PublicKey {
            id,
            key,
            algorithms,
        })
    });
    let is_private = text.contains("PRIVATE KEY");
    match read {
        Some(_) if is_private => Err("it is a private key: give the public one".to_owned()),
        Some(key) => Ok(key),
        None => {
            Err("it is neither a public key of RSA, EC or Ed25519 as PEM nor a JWKS".to_owned())
        }
    }
}

fn from_jwks(text: &str) -> Result<Vec<PublicKey>, String> {
    let set: JwkSet =
        serde_json::from_str(text).map_err(|error| format!("it is no JWKS: {error}"))?;
    set.keys.iter().map(from_jwk).collect()
}

fn from_jwk(jwk: &Jwk) -> Result<PublicKey, String> {
    let algorithms = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => RSA,
        AlgorithmParameters::EllipticCurve(_) => EC,
        AlgorithmParameters::OctetKeyPair(_) => ED,
        AlgorithmParameters::OctetKey(_) => {
            return Err("it has a secret key: tokens are checked by public keys alone".to_owned());
        }
    };
    let key = DecodingKey::from_jwk(jwk).map_err(|error| format!("a key in it: {error}"))?;
    Ok(PublicKey {
        id: jwk.common.key_id.clone(),
        key,
        algorithms,
    })
}

#[cfg(test)]
mod tests;
