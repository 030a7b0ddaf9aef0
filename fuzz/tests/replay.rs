//! Goal: every file of the corpora, finds included, holds what the targets assert.

use std::fs;
use std::path::{Path, PathBuf};

use bongsu_fuzz::{TARGETS, Target};

/// Replays a corpus; a panic names its file.
fn replay(name: &str, target: Target) {
    let files = files(name);
    assert!(!files.is_empty(), "{name} has no corpus");
    for file in &files {
        let bytes = fs::read(file).unwrap();
        let replayed = std::panic::catch_unwind(|| target(&bytes));
        assert!(replayed.is_ok(), "{} fails", file.display());
    }
}

fn files(name: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(name);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

macro_rules! replay_each {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            replay(stringify!($name), bongsu_fuzz::$name);
        })*

        /// A target without a replay would be fuzzed and never tested.
        #[test]
        fn every_target_is_replayed() {
            let names: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
            assert_eq!(names, [$(stringify!($name)),*]);
        }
    };
}

replay_each! { amf0 amf3 chunk client_session config flv handshake message server_session url }
