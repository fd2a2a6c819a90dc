//! The points of a stroke as one compact value, and its codec.
//!
//! The decoder is total: any byte string gives points or an error, and no input makes it
//! allocate more than its own length allows.
//!
//! # Format
//!
//! ```text
//! points  = flags  count  dx dy dx dy …  [ pressure … ]
//! flags   = one byte: 0, or 1 when there is a pressure for each point
//! count   = varint: how many points
//! dx, dy  = zig-zag varint: from the point before, in eighths of a unit; the first from the stroke's x and y
//! pressure = one byte a point, 0 to 255
//! varint  = seven bits a byte, low bits first, the high bit set on all but the last; no longer than needed
//! zig-zag = 0, -1, 1, -2, 2 … as 0, 1, 2, 3, 4 …: (v << 1) ^ (v >> 31)
//! ```
//!
//! In JSON the bytes are base64 (RFC 4648, the standard alphabet, padded).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Steps per unit of the drawing's plane: points are kept to an eighth of a unit.
pub const STEPS_PER_UNIT: f64 = 8.0;
/// Most points of one stroke.
pub const MAX_POINTS: usize = 10_000;
/// A point is within ± this many steps of the stroke's x and y.
pub const MAX_STEPS: i32 = 1 << 27;

const WITH_PRESSURE: u8 = 1;

/// One point, relative to its stroke's x and y.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// To the right, in eighths of a unit.
    pub x: i32,
    /// Downwards, in eighths of a unit.
    pub y: i32,
}

/// The points of a stroke, with a pressure for each or for none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Points {
    points: Vec<Point>,
    pressures: Option<Vec<u8>>,
}

/// Why a byte string cannot be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PointsError {
    /// Not base64 as above.
    #[error("points are base64 with the standard alphabet and padding")]
    Base64,
    /// The flags byte is unknown.
    #[error("points begin with a byte of flags, 0 or 1")]
    Flags,
    /// The bytes end too early.
    #[error("points end too early")]
    Truncated,
    /// Bytes follow the end.
    #[error("points go on after their end")]
    Trailing,
    /// A varint is longer than necessary, or has more than 32 bits.
    #[error("a varint in points is too long")]
    Varint,
    /// More than [`MAX_POINTS`].
    #[error("a stroke has at most {MAX_POINTS} points")]
    TooMany,
    /// A point is farther than [`MAX_STEPS`] from the stroke's x and y.
    #[error("a point is too far away")]
    TooFar,
    /// The numbers of pressures and points differ.
    #[error("there is not one pressure for each point")]
    Pressures,
}

impl Points {
    /// Points with a pressure for each, or with none.
    ///
    /// # Errors
    ///
    /// [`PointsError::TooMany`], [`PointsError::TooFar`] or [`PointsError::Pressures`].
    pub fn new(points: Vec<Point>, pressures: Option<Vec<u8>>) -> Result<Self, PointsError> {
        if points.len() > MAX_POINTS {
            return Err(PointsError::TooMany);
        }
        if pressures
            .as_ref()
            .is_some_and(|pressures| pressures.len() != points.len())
        {
            return Err(PointsError::Pressures);
        }
        let far = |v: i32| v.unsigned_abs() > MAX_STEPS.unsigned_abs();
        if points.iter().any(|point| far(point.x) || far(point.y)) {
            return Err(PointsError::TooFar);
        }
        Ok(Self { points, pressures })
    }

    /// The points.
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// A pressure for each point, or `None`.
    pub fn pressures(&self) -> Option<&[u8]> {
        self.pressures.as_deref()
    }

    /// Encodes these points.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(4 + 3 * self.points.len());
        bytes.push(if self.pressures.is_some() {
            WITH_PRESSURE
        } else {
            0
        });
        put_varint(&mut bytes, self.points.len() as u32);
        let mut before = Point { x: 0, y: 0 };
        for point in &self.points {
            put_varint(&mut bytes, zig_zag(point.x - before.x));
            put_varint(&mut bytes, zig_zag(point.y - before.y));
            before = *point;
        }
        bytes.extend_from_slice(self.pressures.as_deref().unwrap_or_default());
        bytes
    }

    /// Decodes points.
    ///
    /// # Errors
    ///
    /// Any [`PointsError`] but [`PointsError::Base64`].
    pub fn decode(bytes: &[u8]) -> Result<Self, PointsError> {
        let (&flags, mut rest) = bytes.split_first().ok_or(PointsError::Truncated)?;
        if flags & !WITH_PRESSURE != 0 {
            return Err(PointsError::Flags);
        }
        let count = take_varint(&mut rest)? as usize;
        if count > MAX_POINTS {
            return Err(PointsError::TooMany);
        }
        let with_pressure = flags & WITH_PRESSURE != 0;
        if rest.len() < count * (2 + usize::from(with_pressure)) {
            return Err(PointsError::Truncated);
        }
        let mut points = Vec::with_capacity(count);
        let mut at = Point { x: 0, y: 0 };
        for _ in 0..count {
            at.x = step(at.x, take_varint(&mut rest)?)?;
            at.y = step(at.y, take_varint(&mut rest)?)?;
            points.push(at);
        }
        let pressures = if with_pressure {
            let (pressures, after) = rest.split_at_checked(count).ok_or(PointsError::Truncated)?;
            rest = after;
            Some(pressures.to_vec())
        } else {
            None
        };
        if !rest.is_empty() {
            return Err(PointsError::Trailing);
        }
        Ok(Self { points, pressures })
    }

    /// Encodes these points as base64, as in JSON.
    pub fn to_base64(&self) -> String {
        STANDARD.encode(self.encode())
    }

    /// Decodes points from base64.
    ///
    /// # Errors
    ///
    /// Any [`PointsError`].
    pub fn from_base64(text: &str) -> Result<Self, PointsError> {
        let bytes = STANDARD.decode(text).map_err(|_| PointsError::Base64)?;
        Self::decode(&bytes)
    }
}

impl Serialize for Points {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_base64())
    }
}

impl<'de> Deserialize<'de> for Points {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::from_base64(&text).map_err(serde::de::Error::custom)
    }
}

fn zig_zag(value: i32) -> u32 {
    ((value << 1) ^ (value >> 31)) as u32
}

fn step(from: i32, zig_zag: u32) -> Result<i32, PointsError> {
    let delta = (zig_zag >> 1) as i32 ^ -((zig_zag & 1) as i32);
    let to = from.checked_add(delta).ok_or(PointsError::TooFar)?;
    if to.unsigned_abs() > MAX_STEPS.unsigned_abs() {
        Err(PointsError::TooFar)
    } else {
        Ok(to)
    }
}

fn put_varint(bytes: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

fn take_varint(rest: &mut &[u8]) -> Result<u32, PointsError> {
    let mut value: u32 = 0;
    for shift in (0..35).step_by(7) {
        let (&byte, after) = rest.split_first().ok_or(PointsError::Truncated)?;
        *rest = after;
        let bits = u32::from(byte & 0x7f);
        // The fifth byte has room for four bits.
        if shift == 28 && byte > 0x0f {
            return Err(PointsError::Varint);
        }
        value |= bits << shift;
        if byte & 0x80 == 0 {
            let overlong = shift > 0 && bits == 0;
            return if overlong {
                Err(PointsError::Varint)
            } else {
                Ok(value)
            };
        }
    }
    Err(PointsError::Varint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(points: &[(i32, i32)]) -> Points {
        Points::new(points.iter().map(|&(x, y)| Point { x, y }).collect(), None).unwrap()
    }

    #[test]
    fn the_bytes_are_as_documented() {
        assert_eq!(
            line(&[(0, 0), (1, -1), (65, -1)]).encode(),
            [0, 3, 0, 0, 2, 1, 0x80, 1, 0]
        );
        let pressed = Points::new(vec![Point { x: -2, y: 3 }], Some(vec![200])).unwrap();
        assert_eq!(pressed.encode(), [1, 1, 3, 6, 200]);
        assert_eq!(pressed.to_base64(), "AQEDBsg=");
    }

    #[test]
    fn a_stroke_takes_two_or_three_bytes_a_point() {
        let drawn: Vec<_> = (0..200).map(|i| (i * 20, (i * i) % 50)).collect();
        assert!(line(&drawn).encode().len() < 3 * 200);
    }

    #[test]
    fn malformed_bytes_have_a_reason() {
        let cases: [(&[u8], PointsError); 11] = [
            (&[], PointsError::Truncated),
            (&[2, 0], PointsError::Flags),
            (&[0], PointsError::Truncated),
            (&[0, 1, 0], PointsError::Truncated),
            (&[0, 0, 0], PointsError::Trailing),
            (&[0, 1, 0x80, 0, 0], PointsError::Varint),
            (&[0, 0xff, 0xff, 0xff, 0xff, 0x1f], PointsError::Varint),
            (&[0, 0xff, 0xff, 0xff, 0xff, 0x0f], PointsError::TooMany),
            (
                &[0, 1, 0xff, 0xff, 0xff, 0xff, 0x0f, 0],
                PointsError::TooFar,
            ),
            (&[1, 1, 0, 0], PointsError::Truncated),
            (&[1, 1, 0x80, 1, 0], PointsError::Truncated),
        ];
        for (bytes, error) in cases {
            assert_eq!(Points::decode(bytes), Err(error), "{bytes:?}");
        }
        assert_eq!(Points::from_base64("AQEDBsg"), Err(PointsError::Base64));
        assert_eq!(
            Points::new(vec![], Some(vec![1])),
            Err(PointsError::Pressures)
        );
        let far = Point {
            x: MAX_STEPS + 1,
            y: 0,
        };
        assert_eq!(Points::new(vec![far], None), Err(PointsError::TooFar));
        assert_eq!(
            Points::new(vec![Point { x: 0, y: 0 }; MAX_POINTS + 1], None),
            Err(PointsError::TooMany)
        );
    }

    #[test]
    fn the_largest_points_are_decoded_as_they_were_encoded() {
        let corners = [(MAX_STEPS, -MAX_STEPS), (0, 0), (-MAX_STEPS, MAX_STEPS)];
        let corners = line(&corners);
        assert_eq!(Points::decode(&corners.encode()), Ok(corners));
        let many = vec![Point { x: 1, y: 2 }; MAX_POINTS];
        let pressed = Points::new(many, Some(vec![7; MAX_POINTS])).unwrap();
        assert_eq!(Points::decode(&pressed.encode()), Ok(pressed));
        let none = line(&[]);
        assert_eq!(Points::decode(&none.encode()), Ok(none));
    }

    #[test]
    fn a_point_beyond_the_bounds_is_refused_in_every_direction() {
        let far = MAX_STEPS + 1;
        for (x, y) in [(far, 0), (-far, 0), (0, far), (0, -far)] {
            let points = vec![Point { x, y }];
            let error = Points::new(points.clone(), None);
            assert_eq!(error, Err(PointsError::TooFar));
            let pressures = None;
            let bytes = Points { points, pressures }.encode();
            assert_eq!(Points::decode(&bytes), Err(PointsError::TooFar));
        }
    }
}
