//! The tasks of this project: `cargo xtask <task>`. A plain Rust toolchain is enough to run them.
//!
//! `cargo xtask test` is the test command of the README and of `.ci/run`: it installs what the tests need, builds
//! the release binary, checks the code, and runs every test, those against real encoders and players included.
#![allow(
    clippy::print_stdout,
    reason = "a task talks to the person who started it"
)]

mod api;
mod checks;
mod demo;
mod interop_doc;
mod layering;
mod packages;
mod sizes;
mod spec;
mod step;
mod tests_run;
mod watchdog;
mod workspace;

use std::process::ExitCode;

const USAGE: &str = "\
Usage: cargo xtask <task>

  test      everything: installs what the tests need, builds, checks, runs all tests
  check     the same without the tests against real encoders and players
  interop   only the tests against real encoders and players; writes docs/interop.md
  fmt       formats the code
  doc       builds the documentation, private items included; a warning is an error
  layering  checks which crate may depend on which, and the number of packages
  api       compares the public API of bongsu-rtmp and bongsu-flv with their api.txt; `api --write` writes it
  sizes     lists files above 600 lines and functions above 70
  spec      compares docs/spec-coverage.md with the tests and citations in the code
  demo      starts a relay with a test picture and prints what to paste into a player
";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let task = arguments.next();
    let option = arguments.next();
    if arguments.next().is_some() || option.is_some() && task.as_deref() != Some("api") {
        eprint!("{USAGE}");
        return ExitCode::FAILURE;
    }
    let outcome = match task.as_deref() {
        Some("api") if option.is_none() => api::check(),
        Some("api") if option.as_deref() == Some("--write") => api::write(),
        Some("test") => tests_run::everything(),
        Some("check") => tests_run::without_real_peers(),
        Some("interop") => tests_run::only_real_peers(),
        Some("fmt") => checks::format(),
        Some("doc") => checks::doc().run(),
        Some("layering") => layering::check(),
        Some("sizes") => sizes::check(),
        Some("spec") => spec::check(),
        Some("demo") => demo::run(),
        Some("help" | "--help" | "-h") => {
            print!("{USAGE}");
            Ok(())
        }
        _ => {
            eprint!("{USAGE}");
            return ExitCode::FAILURE;
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
    }
}
