//! Progress for people: a bar where standard error is a terminal, nothing elsewhere.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Time between two drawings. Why: faster than anybody reads, and a terminal over a slow line keeps up.
const REDRAWS_PER_SECOND: u8 = 5;

/// Shows how far a stream is.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    verbose: bool,
}

impl Progress {
    /// A bar for a stream of this length, or a spinner when nobody knows it.
    pub(crate) fn new(
        verb: &'static str,
        length: Option<Duration>,
        quiet: bool,
        verbose: bool,
    ) -> Self {
        let hidden = quiet || !std::io::stderr().is_terminal();
        let target = if hidden {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr_with_hz(REDRAWS_PER_SECOND)
        };
        let bar = ProgressBar::with_draw_target(length.map(millis), target);
        let template = match length {
            Some(_) => "{prefix} [{bar:30}] {percent:>3} %  {msg}",
            None => "{prefix} {spinner}  {msg}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_prefix(verb);
        Self { bar, verbose }
    }

    /// How much of the stream is done, and how many bytes it was.
    pub(crate) fn at(&self, time: Duration, bytes: u64) {
        if self.bar.is_hidden() {
            return;
        }
        self.bar.set_position(millis(time));
        let seconds = time.as_secs();
        let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        let rate = bytes.saturating_mul(8) / millis(time).max(1);
        self.bar.set_message(format!(
            "{hours:02}:{minutes:02}:{seconds:02}  {}  {rate} kbit/s",
            HumanBytes(bytes)
        ));
    }

    /// Says a step when the user wants to see them. The text holds no secret.
    pub(crate) fn step(&self, text: &str) {
        if self.verbose {
            self.bar.suspend(|| {
                let _ = writeln!(std::io::stderr(), "{text}");
            });
        }
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
