//! Keys and tokens that never print.

use std::fmt;

use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// What stands in for a secret wherever something is printed.
pub const MASK: &str = "***";

/// A key or token. `Debug`, `Display` and `Serialize` show [`MASK`]; comparing takes the same time whatever differs.
#[derive(Clone)]
pub struct Secret {
    value: Box<str>,
    digest: [u8; 32],
}

impl Secret {
    /// Takes a value in.
    #[must_use]
    pub fn new(value: &str) -> Self {
        Self {
            value: value.into(),
            digest: Sha256::digest(value.as_bytes()).into(),
        }
    }

    /// The value itself: for the wire, for a file of mode 0600, and for the one line of the first start.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.value
    }

    /// First eight hex digits of the SHA-256: tells secrets apart without showing them.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let [a, b, c, d, ..] = self.digest;
        format!("{a:02x}{b:02x}{c:02x}{d:02x}")
    }

    /// Whether a candidate is this secret, in a time that depends on the candidate's length alone.
    #[must_use]
    pub fn matches(&self, candidate: &str) -> bool {
        self.matches_digest(&Sha256::digest(candidate.as_bytes()).into())
            .into()
    }

    /// As [`Secret::matches`] for a candidate that is compared with several secrets.
    pub(crate) fn matches_digest(&self, digest: &[u8; 32]) -> Choice {
        self.digest.ct_eq(digest)
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.matches_digest(&other.digest).into()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(MASK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_prints_a_secret() {
        let secret = Secret::new("canary-4711");
        assert_eq!(format!("{secret:?} {secret:#?} {secret}"), "*** *** ***");
        assert_eq!(serde_json::to_string(&secret).unwrap(), "\"***\"");
    }

    #[test]
    fn a_secret_matches_itself_and_nothing_else() {
        let secret = Secret::new("canary-4711");
        assert!(secret.matches("canary-4711"));
        for other in ["", "canary-471", "canary-47111", "Canary-4711"] {
            assert!(!secret.matches(other), "{other}");
        }
    }

    #[test]
    fn the_fingerprint_is_the_start_of_the_sha256() {
        assert_eq!(Secret::new("abc").fingerprint(), "ba7816bf");
    }
}
