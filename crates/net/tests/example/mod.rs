//! Where the examples are.

use std::path::PathBuf;

/// Cargo puts examples beside the `deps` directory of the tests.
pub(crate) fn path(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let path = test
        .parent()
        .and_then(|deps| deps.parent())
        .unwrap()
        .join("examples")
        .join(name);
    assert!(
        path.exists(),
        "{} is missing: type `cargo build -p bongsu-net --examples`",
        path.display()
    );
    path
}
