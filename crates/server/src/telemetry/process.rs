//! What the kernel says about this process.

use std::fs;

/// Ticks per second in `/proc`. Why a constant: the kernel converts to it for user space, whatever its own clock.
const TICKS_PER_SECOND: f64 = 100.0;

/// Figures of this process, those that could be read.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Process {
    pub(super) resident_bytes: Option<u64>,
    pub(super) open_fds: Option<u64>,
    pub(super) cpu_seconds: Option<f64>,
    /// Since 1970.
    pub(super) start_seconds: Option<f64>,
}

impl Process {
    /// Reads `/proc`; what is not there is missing.
    pub(super) fn read() -> Self {
        let text = |path: &str| fs::read_to_string(path).ok();
        let stat = text("/proc/self/stat");
        let stat = stat.as_deref().map(Stat::parse).unwrap_or_default();
        let boot_seconds = text("/proc/stat").and_then(|stat| boot_seconds(&stat));
        Self {
            resident_bytes: text("/proc/self/status").and_then(|status| resident_bytes(&status)),
            open_fds: open_fds(),
            cpu_seconds: stat.cpu_seconds,
            start_seconds: boot_seconds
                .zip(stat.start_since_boot_seconds)
                .map(|(boot, start)| boot + start),
        }
    }
}

#[derive(Debug, Default, PartialEq)]
struct Stat {
    cpu_seconds: Option<f64>,
    start_since_boot_seconds: Option<f64>,
}

impl Stat {
    /// Fields 14 and 15 are the processor time, 22 is the start; the second one, in brackets, may hold anything.
    fn parse(text: &str) -> Self {
        let fields: Vec<&str> = text
            .rsplit_once(')')
            .map(|(_, rest)| rest.split_ascii_whitespace().collect())
            .unwrap_or_default();
        let seconds = |field: usize| {
            let ticks: f64 = fields.get(field - 3)?.parse().ok()?;
            Some(ticks / TICKS_PER_SECOND)
        };
        Self {
            cpu_seconds: seconds(14)
                .zip(seconds(15))
                .map(|(user, system)| user + system),
            start_since_boot_seconds: seconds(22),
        }
    }
}

fn boot_seconds(stat: &str) -> Option<f64> {
    value_of(stat, "btime")?.parse().ok()
}

fn resident_bytes(status: &str) -> Option<u64> {
    let kib: u64 = value_of(status, "VmRSS:")?.parse().ok()?;
    kib.checked_mul(1_024)
}

/// The first word behind a name at the start of a line.
fn value_of<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines()
        .find_map(|line| line.strip_prefix(name))?
        .split_ascii_whitespace()
        .next()
}

/// Open descriptors, without the one that counting needs.
fn open_fds() -> Option<u64> {
    let count = fs::read_dir("/proc/self/fd").ok()?.count();
    u64::try_from(count).ok()?.checked_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_of_stat_are_found_behind_any_name() {
        let line =
            "7 (a) b (c)) R 1 1 1 0 -1 4194304 103 0 0 0 150 25 0 0 20 0 1 0 171224 3133440 383";
        let stat = Stat::parse(line);
        assert_eq!(stat.cpu_seconds, Some(1.75));
        assert_eq!(stat.start_since_boot_seconds, Some(1_712.24));
        for broken in [
            "",
            "7 (a",
            "7 (a) R",
            "7 (a) R 1 1 1 0 -1 4194304 103 0 0 0 x y",
        ] {
            assert_eq!(Stat::parse(broken), Stat::default(), "{broken}");
        }
    }

    #[test]
    fn memory_and_boot_time_are_found_by_name() {
        assert_eq!(
            resident_bytes("VmHWM:\t 9 kB\nVmRSS:\t    2164 kB\n"),
            Some(2_164 * 1_024)
        );
        assert_eq!(resident_bytes("VmHWM:\t 9 kB\n"), None);
        assert_eq!(
            boot_seconds("cpu 1 2\nbtime 1795555962\n"),
            Some(1_795_555_962.0)
        );
    }

    #[test]
    fn this_process_has_memory_descriptors_and_a_start() {
        let process = Process::read();
        assert!(process.resident_bytes.unwrap() > 1 << 16);
        assert!(process.open_fds.unwrap() >= 3);
        assert!(process.cpu_seconds.unwrap() >= 0.0);
        assert!(process.start_seconds.unwrap() > 1_700_000_000.0);
    }
}
