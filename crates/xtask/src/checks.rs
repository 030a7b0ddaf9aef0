//! Checks by cargo's own tools.

use crate::step::Step;
use crate::watchdog::Patience;
use crate::workspace::cargo;

/// Builds the relay as users build it; the tests run this binary.
pub(crate) fn release_build() -> Step {
    let command = cargo(&["build", "--release", "--locked", "--package", "bongsu"]);
    Step::command("build", command, Patience::minutes(15, 8))
}

/// Formats the code.
pub(crate) fn format() -> Result<(), String> {
    Step::command("fmt", cargo(&["fmt", "--all"]), Patience::minutes(2, 2)).run()
}

/// Fails when code is not formatted.
pub(crate) fn format_check() -> Step {
    Step::command(
        "fmt",
        cargo(&["fmt", "--all", "--", "--check"]),
        Patience::minutes(2, 2),
    )
}

/// Lints with warnings as errors.
pub(crate) fn clippy() -> Step {
    let command = cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--",
        "-D",
        "warnings",
    ]);
    Step::command("clippy", command, Patience::minutes(12, 8))
}

/// Documentation with warnings as errors, private items included.
pub(crate) fn doc() -> Step {
    let mut command = cargo(&[
        "doc",
        "--workspace",
        "--no-deps",
        "--document-private-items",
        "--locked",
    ]);
    command.env("RUSTDOCFLAGS", "-D warnings");
    Step::command("doc", command, Patience::minutes(12, 8))
}
