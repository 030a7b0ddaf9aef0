//! One step of a run: a command with a time limit, or a check of our own.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::watchdog::{self, Patience};

type Check = fn() -> Result<(), String>;

enum Work {
    Command(Box<Command>, Patience),
    Check(Check),
}

/// Something that succeeds or fails, with a name to say so.
pub(crate) struct Step {
    name: &'static str,
    work: Work,
}

impl Step {
    /// A command that is ended when it takes longer than `patience` allows.
    pub(crate) fn command(name: &'static str, command: Command, patience: Patience) -> Self {
        Self {
            name,
            work: Work::Command(Box::new(command), patience),
        }
    }

    /// A function of this crate.
    pub(crate) fn check(name: &'static str, check: Check) -> Self {
        Self {
            name,
            work: Work::Check(check),
        }
    }

    /// Runs it.
    pub(crate) fn run(self) -> Result<(), String> {
        println!("== {}", self.name);
        match self.work {
            Work::Command(command, patience) => watchdog::run(self.name, *command, patience),
            Work::Check(check) => check(),
        }
    }
}

/// What the steps of a run took, and which of them failed.
#[derive(Default)]
pub(crate) struct Report {
    lines: Vec<(&'static str, Duration, bool)>,
}

impl Report {
    /// Runs a step and remembers how it went. A failure is printed at once; the run goes on.
    pub(crate) fn run(&mut self, step: Step) -> bool {
        let name = step.name;
        let started = Instant::now();
        let outcome = step.run();
        if let Err(problem) = &outcome {
            println!("error: {problem}");
        }
        self.lines.push((name, started.elapsed(), outcome.is_ok()));
        outcome.is_ok()
    }

    /// Prints one line per step, and the total.
    pub(crate) fn print(&self) {
        println!("== durations");
        print!("{}", self.durations());
    }

    fn durations(&self) -> String {
        let line = |name: &str, took: Duration, verdict: &str| {
            let seconds = took.as_secs_f64();
            format!("{name:<12} {seconds:>7.1} s  {verdict}")
                .trim_end()
                .to_owned()
                + "\n"
        };
        let steps = self.lines.iter().map(|(name, took, passed)| {
            let verdict = if *passed { "ok" } else { "FAILED" };
            line(name, *took, verdict)
        });
        let total = self.lines.iter().map(|(_, took, _)| *took).sum();
        steps.chain([line("total", total, "")]).collect()
    }

    /// One line that names what failed.
    pub(crate) fn verdict(&self) -> Result<(), String> {
        let failed: Vec<&str> = self
            .lines
            .iter()
            .filter(|(_, _, passed)| !passed)
            .map(|(name, _, _)| *name)
            .collect();
        if failed.is_empty() {
            Ok(())
        } else {
            Err(format!("failed: {}; see above", failed.join(", ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_durations_end_with_their_total() {
        let report = Report {
            lines: vec![
                ("fmt", Duration::from_millis(1_500), true),
                ("clippy", Duration::from_secs(60), false),
            ],
        };
        assert_eq!(
            report.durations(),
            "\
fmt              1.5 s  ok
clippy          60.0 s  FAILED
total           61.5 s
"
        );
        assert_eq!(
            report.verdict(),
            Err("failed: clippy; see above".to_owned())
        );
    }
}
