//! Query parameters, kept as they came, because hooks and platforms sign them.

use std::collections::BTreeSet;
use std::fmt;

/// Query parameters in order, byte for byte as they came. [WIRE 101]
///
/// `Debug` shows how many there are.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Query {
    pairs: Vec<Box<str>>,
}

impl Query {
    /// Splits what follows a `?`. Nothing between two `&` is no parameter.
    #[must_use]
    pub fn parse(raw: &str) -> Self {
        let pairs = raw.split('&').filter(|pair| !pair.is_empty());
        Self {
            pairs: pairs.map(Box::from).collect(),
        }
    }

    /// The raw value of the first parameter with this name; empty when it has no `=`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    }

    /// Names and raw values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|pair| split_pair(pair))
    }

    /// The parameters without those named.
    #[must_use]
    pub fn without(&self, names: &[&str]) -> Self {
        let kept = self
            .pairs
            .iter()
            .filter(|pair| !names.contains(&split_pair(pair).0));
        Self {
            pairs: kept.cloned().collect(),
        }
    }

    /// True when there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The raw text, without a `?`: a secret.
    #[must_use]
    pub fn to_raw(&self) -> String {
        self.pairs.join("&")
    }

    /// Adds the parameters whose names are not there yet.
    pub(super) fn merged(mut self, weaker: Self) -> Self {
        // A set, because both sides come from a stranger and may hold thousands of names.
        let known: BTreeSet<&str> = self.iter().map(|(name, _)| name).collect();
        let new: Vec<Box<str>> = weaker
            .pairs
            .into_iter()
            .filter(|pair| !known.contains(split_pair(pair).0))
            .collect();
        self.pairs.extend(new);
        self
    }
}

fn split_pair(pair: &str) -> (&str, &str) {
    pair.split_once('=').unwrap_or((pair, ""))
}

impl fmt::Debug for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Query({} parameters)", self.pairs.len())
    }
}
