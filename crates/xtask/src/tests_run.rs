//! The test runs: what they consist of, and in which order.

use crate::api;
use crate::layering;
use crate::packages;
use crate::sizes;
use crate::spec;
use crate::step::{Report, Step};
use crate::watchdog::Patience;
use crate::workspace::{cargo, target_dir};
use crate::{checks, interop_doc};

/// The test command of the README: everything.
pub(crate) fn everything() -> Result<(), String> {
    let mut report = Report::default();
    if !report.run(Step::check("packages", packages::install))
        || !report.run(checks::release_build())
    {
        return report.verdict();
    }
    check_code(&mut report);
    report.print();
    packages::print_skipped();
    interop_doc::clear();
    let test = cargo(&["test", "--workspace", "--locked", "--no-fail-fast"]);
    // A test binary prints a line per test, and no test may take minutes.
    let passed = report.run(Step::command("test", test, Patience::minutes(22, 5)));
    if passed {
        interop_doc::write()?;
    }
    report.verdict()
}

/// All but the tests against real encoders and players.
pub(crate) fn without_real_peers() -> Result<(), String> {
    let mut report = Report::default();
    if !report.run(checks::release_build()) {
        return report.verdict();
    }
    check_code(&mut report);
    report.print();
    let test = cargo(&[
        "test",
        "--workspace",
        "--exclude",
        "bongsu-interop",
        "--locked",
        "--no-fail-fast",
    ]);
    report.run(Step::command("test", test, Patience::minutes(15, 5)));
    report.verdict()
}

/// Only the tests against real encoders and players, and the table that they make.
pub(crate) fn only_real_peers() -> Result<(), String> {
    let mut report = Report::default();
    if !report.run(Step::check("packages", packages::install))
        || !report.run(checks::release_build())
    {
        return report.verdict();
    }
    packages::print_skipped();
    interop_doc::clear();
    let test = cargo(&[
        "test",
        "--package",
        "bongsu-interop",
        "--locked",
        "--no-fail-fast",
    ]);
    if report.run(Step::command("interop", test, Patience::minutes(22, 5))) {
        interop_doc::write()?;
    }
    report.verdict()
}

fn check_code(report: &mut Report) {
    report.run(checks::format_check());
    report.run(Step::check("sizes", sizes::check));
    report.run(Step::check("layering", layering::check));
    report.run(Step::check("spec", spec::check));
    report.run(checks::clippy());
    report.run(checks::doc());
    report.run(Step::check("api", api::check));
    report.run(fuzz_corpora());
    report.run(differential());
}

/// Our parsers and writers against those of other projects, which have a lock file of their own.
fn differential() -> Step {
    let mut command = cargo(&[
        "test",
        "--manifest-path",
        "differential/Cargo.toml",
        "--locked",
        "--no-fail-fast",
    ]);
    command.env("CARGO_TARGET_DIR", target_dir());
    Step::command("differential", command, Patience::minutes(10, 8))
}

/// Replays what fuzzing found worth keeping. It shares the target directory, so that little is built twice.
fn fuzz_corpora() -> Step {
    let mut command = cargo(&[
        "test",
        "--manifest-path",
        "fuzz/Cargo.toml",
        "--no-default-features",
        "--locked",
    ]);
    command.env("CARGO_TARGET_DIR", target_dir());
    Step::command("fuzz corpora", command, Patience::minutes(10, 8))
}
