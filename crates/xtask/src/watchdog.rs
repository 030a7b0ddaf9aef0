//! Runs a command and ends it when it hangs. A hung run is never repeated: it says what hung, and fails.

use std::collections::VecDeque;
use std::fs;
use std::io::{BufRead, BufReader, IsTerminal, PipeReader, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How long a command may take.
#[derive(Clone, Copy)]
pub(crate) struct Patience {
    /// From its start to its end.
    pub(crate) whole: Duration,
    /// Without a line of output.
    pub(crate) silent: Duration,
}

impl Patience {
    /// Limits in minutes.
    pub(crate) const fn minutes(whole: u64, silent: u64) -> Self {
        Self {
            whole: Duration::from_secs(whole * 60),
            silent: Duration::from_secs(silent * 60),
        }
    }
}

/// How often a running command is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How long output may still come when the command has ended.
const LINGER: Duration = Duration::from_secs(20);
/// Lines of output that a report on a hung command repeats.
const LAST_LINES: usize = 15;

struct Seen {
    when: Instant,
    last_lines: VecDeque<String>,
}

/// Runs `command` to its end, passing its output on, and ends it with all that it started when it hangs.
pub(crate) fn run(name: &str, mut command: Command, patience: Patience) -> Result<(), String> {
    let (reader, writer) = std::io::pipe().map_err(|error| format!("{name}: no pipe: {error}"))?;
    let second = writer
        .try_clone()
        .map_err(|error| format!("{name}: no pipe: {error}"))?;
    command.stdin(Stdio::null()).stdout(writer).stderr(second);
    if std::io::stdout().is_terminal() {
        command.env("CARGO_TERM_COLOR", "always");
    }
    let program = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .spawn()
        .map_err(|error| format!("{name}: cannot start `{program}`: {error}"))?;
    // The command owns the writing ends of the pipe; the reader ends when its last process does.
    drop(command);
    let seen = Arc::new(Mutex::new(Seen {
        when: Instant::now(),
        last_lines: VecDeque::new(),
    }));
    let printer = thread::spawn({
        let seen = Arc::clone(&seen);
        move || pass_on(reader, &seen)
    });
    let outcome = watch(name, &mut child, patience, &seen);
    // The rest of the output; a process that outlives the command and holds the pipe does not hold this run.
    let ended = Instant::now();
    while !printer.is_finished() && ended.elapsed() < LINGER {
        thread::sleep(LOOK_EVERY);
    }
    outcome
}

fn watch(
    name: &str,
    child: &mut Child,
    patience: Patience,
    seen: &Mutex<Seen>,
) -> Result<(), String> {
    let started = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return verdict(name, status),
            Ok(None) => {}
            Err(error) => return Err(format!("{name}: cannot wait for it: {error}")),
        }
        let silent = seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .when
            .elapsed();
        if started.elapsed() > patience.whole || silent > patience.silent {
            report(name, child.id(), started.elapsed(), silent, seen);
            end(child);
            return Err(format!(
                "{name} hung: ended after {:.0} s, {:.0} s of them silent",
                started.elapsed().as_secs_f64(),
                silent.as_secs_f64()
            ));
        }
        thread::sleep(LOOK_EVERY);
    }
}

fn verdict(name: &str, status: ExitStatus) -> Result<(), String> {
    if status.success() {
        Ok(())
    } else {
        Err(format!("{name} failed: {status}"))
    }
}

fn pass_on(reader: PipeReader, seen: &Mutex<Seen>) {
    for line in BufReader::new(reader).split(b'\n').map_while(Result::ok) {
        let mut out = std::io::stdout().lock();
        let _ = out.write_all(&line).and_then(|()| out.write_all(b"\n"));
        let _ = out.flush();
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.when = Instant::now();
        if seen.last_lines.len() == LAST_LINES {
            seen.last_lines.pop_front();
        }
        seen.last_lines
            .push_back(String::from_utf8_lossy(&line).into_owned());
    }
}

fn report(name: &str, pid: u32, whole: Duration, silent: Duration, seen: &Mutex<Seen>) {
    println!(
        "== {name} hangs: {} s running, {} s silent",
        whole.as_secs(),
        silent.as_secs()
    );
    println!("its processes:");
    for process in tree(pid) {
        println!("  {} {} {}", process.pid, process.state, process.line);
    }
    println!("its last lines:");
    for line in &seen
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .last_lines
    {
        println!("  {line}");
    }
}

/// Ends the command and everything under it, each by its id.
fn end(child: &mut Child) {
    let ids: Vec<String> = tree(child.id())
        .iter()
        .map(|process| process.pid.to_string())
        .collect();
    let _ = Command::new("kill").arg("-KILL").args(&ids).status();
    let _ = child.kill();
    let _ = child.wait();
}

struct Process {
    pid: u32,
    parent: u32,
    state: String,
    line: String,
}

/// A process and all that descend from it, parents first.
fn tree(root: u32) -> Vec<Process> {
    let mut all: Vec<Process> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(process)
        .collect();
    let mut found: Vec<Process> = Vec::new();
    let mut parents = vec![root];
    all.retain_mut(|process| {
        if process.pid == root {
            found.push(Process {
                line: std::mem::take(&mut process.line),
                state: process.state.clone(),
                ..*process
            });
        }
        process.pid != root
    });
    while let Some(parent) = parents.pop() {
        let (children, others): (Vec<Process>, Vec<Process>) =
            all.into_iter().partition(|one| one.parent == parent);
        all = others;
        parents.extend(children.iter().map(|child| child.pid));
        found.extend(children);
    }
    found
}

fn process(pid: u32) -> Option<Process> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold spaces: the fields begin behind the last one.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?.to_owned();
    let parent = fields.next()?.parse().ok()?;
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let line = String::from_utf8_lossy(&line).replace('\0', " ");
    Some(Process {
        pid,
        parent,
        state,
        line,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_ends_in_time_passes_or_fails_by_its_status() {
        let patience = Patience::minutes(1, 1);
        assert_eq!(run("true", Command::new("true"), patience), Ok(()));
        let problem = run("false", Command::new("false"), patience).unwrap_err();
        assert_eq!(problem, "false failed: exit status: 1");
    }

    #[test]
    fn a_silent_command_is_ended_with_its_children() {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 600 & wait"]);
        let patience = Patience {
            whole: Duration::from_secs(60),
            silent: Duration::from_millis(300),
        };
        let started = Instant::now();
        let problem = run("sleeper", command, patience).unwrap_err();
        assert!(
            problem.starts_with("sleeper hung: ended after"),
            "{problem}"
        );
        // A sleep that is still there would hold the pipe, and so `run`, for the whole linger time.
        assert!(started.elapsed() < LINGER);
    }

    #[test]
    fn the_tree_begins_with_the_process_itself() {
        let own = std::process::id();
        assert_eq!(tree(own).first().map(|process| process.pid), Some(own));
    }
}
