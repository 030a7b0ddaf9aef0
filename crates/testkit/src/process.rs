//! Processes that end with the value that stands for them.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, kill_process};

use crate::wait;

pub use rustix::process::Signal;

/// The unit of processor times in `/proc`. Why: Linux shows a hundredth of a second there, whatever it counts itself.
const TICK_MILLISECONDS: u64 = 10;

/// A running program. Its output is in a file; it is killed, by its id, when this value goes.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    output: PathBuf,
}

impl Process {
    /// Starts a program with no input and all its output in `<folder>/<name>.log`.
    ///
    /// # Panics
    ///
    /// When it cannot be started.
    #[must_use]
    pub fn start(name: &str, folder: &Path, command: &mut Command) -> Self {
        let output = folder.join(format!("{name}.log"));
        let both = create(&output);
        command.stdout(both.try_clone().expect("a second handle of a log"));
        Self::spawn(name, output, command.stderr(both))
    }

    /// Starts a program whose standard output goes to a file of its own; its log is what it writes to standard error.
    ///
    /// # Panics
    ///
    /// When it cannot be started.
    #[must_use]
    pub fn start_printing(name: &str, folder: &Path, command: &mut Command, to: &Path) -> Self {
        let output = folder.join(format!("{name}.log"));
        command.stdout(create(to));
        let log = create(&output);
        Self::spawn(name, output, command.stderr(log))
    }

    fn spawn(name: &str, output: PathBuf, command: &mut Command) -> Self {
        let child = command
            .stdin(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {name} ({command:?}): {error}"));
        Self {
            name: name.to_owned(),
            child,
            output,
        }
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The name it was started with.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it has written to its log so far.
    #[must_use]
    pub fn output(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.output).unwrap_or_default()).into_owned()
    }

    /// Whether it has not ended.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Sends a signal. A process that has ended gets none.
    ///
    /// # Panics
    ///
    /// When the system refuses.
    pub fn signal(&mut self, signal: Signal) {
        if self.is_running() {
            kill_process(self.pid(), signal)
                .unwrap_or_else(|error| panic!("cannot signal {}: {error}", self.name));
        }
    }

    /// Ends it without a chance to say goodbye, and waits for it.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Waits for its end.
    ///
    /// # Panics
    ///
    /// When it does not end within `limit`; the text holds the end of its output.
    pub fn wait(&mut self, limit: Duration) -> ExitStatus {
        match self.wait_at_most(limit) {
            Some(status) => status,
            None => panic!(
                "{} did not end within {:.1} s; {}",
                self.name,
                limit.as_secs_f64(),
                self.last_words()
            ),
        }
    }

    /// Waits for its end with success.
    ///
    /// # Panics
    ///
    /// When it does not end within `limit` or fails; the text holds the end of its output.
    pub fn wait_for_success(&mut self, limit: Duration) {
        let status = self.wait(limit);
        assert!(
            status.success(),
            "{} failed ({status}); {}",
            self.name,
            self.last_words()
        );
    }

    /// Waits for its end; `None` when it still runs after `limit`.
    pub fn wait_at_most(&mut self, limit: Duration) -> Option<ExitStatus> {
        wait::try_until(limit, || self.child.try_wait().ok().flatten())
    }

    /// The memory that it holds now, in bytes: resident set size.
    ///
    /// # Panics
    ///
    /// When it has ended.
    #[must_use]
    pub fn resident_bytes(&self) -> u64 {
        let path = format!("/proc/{}/status", self.id());
        let status =
            fs::read_to_string(&path).unwrap_or_else(|error| panic!("cannot read {path}: {error}"));
        let kib = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .and_then(|rest| rest.trim().strip_suffix("kB"))
            .and_then(|number| number.trim().parse::<u64>().ok())
            .unwrap_or_else(|| panic!("{path} names no VmRSS"));
        kib * 1024
    }

    /// The processor time that it has used so far, in user and kernel mode, in steps of 10 ms.
    ///
    /// # Panics
    ///
    /// When it has ended.
    #[must_use]
    pub fn cpu_time(&self) -> Duration {
        let path = format!("/proc/{}/stat", self.id());
        let stat =
            fs::read_to_string(&path).unwrap_or_else(|error| panic!("cannot read {path}: {error}"));
        // Behind the name, which may hold spaces, `utime` and `stime` are the twelfth and thirteenth field.
        let fields = stat.rsplit_once(')').map_or("", |(_, behind)| behind);
        let ticks: Vec<u64> = fields
            .split_whitespace()
            .skip(11)
            .take(2)
            .filter_map(|field| field.parse().ok())
            .collect();
        assert_eq!(ticks.len(), 2, "{path} names no processor times");
        Duration::from_millis(ticks.iter().sum::<u64>() * TICK_MILLISECONDS)
    }

    /// The end of its output, for the text of a failure.
    #[must_use]
    pub fn last_words(&self) -> String {
        let output = self.output();
        let lines: Vec<&str> = output.lines().collect();
        let tail = lines
            .get(lines.len().saturating_sub(12)..)
            .unwrap_or_default();
        format!(
            "the end of {}:\n  {}",
            self.output.display(),
            tail.join("\n  ")
        )
    }

    fn pid(&self) -> Pid {
        let id = i32::try_from(self.id()).expect("a process id");
        Pid::from_raw(id).expect("a process id above 0")
    }
}

fn create(path: &Path) -> File {
    File::create(path).unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()))
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
