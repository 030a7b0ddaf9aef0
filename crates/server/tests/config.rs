//! Goal: configuration files give the settings they say, or errors that say what to do; examples and documents match
//! the code.
//!
//! `BLESS=1 cargo test -p bongsu-server --test config` writes the expected texts and the table of `docs/config.md`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "config/auth.rs"]
mod auth;
#[path = "config/codecs.rs"]
mod codecs;
#[path = "config/examples.rs"]
mod examples;
#[path = "config/first_key.rs"]
mod first_key;
#[path = "config/fixtures.rs"]
mod fixtures;
#[path = "config/order.rs"]
mod order;

use std::path::{Path, PathBuf};

use bongsu_server::config::{Config, Environment, Problems, Sources};

/// A directory or file of the repository.
fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
}

/// Variables by name.
fn environment(variables: &[(&str, &str)]) -> Environment {
    variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// Reads a file under some variables.
fn load(file: &Path, variables: &[(&str, &str)]) -> Result<Config, Problems> {
    Config::load(&Sources {
        file: Some(file.to_owned()),
        environment: environment(variables),
        flags: Vec::new(),
    })
}

/// Compares a text with a file, or writes the file when asked to.
fn compare(path: &Path, found: &str) {
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, found).unwrap();
        return;
    }
    let expected = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(
        found,
        expected,
        "{} differs; BLESS=1 writes it",
        path.display()
    );
}
