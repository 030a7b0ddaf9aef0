//! What a process uses, read from `/proc`.

use std::fs;
use std::io;

use serde::Serialize;

/// A look at processes: all threads that are there, added up.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Usage {
    /// Time on a CPU, in nanoseconds. A thread that ended between two looks is not in the second.
    cpu_ns: u64,
    resident_bytes: u64,
    descriptors: u64,
}

/// What processes used while something was measured.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Used {
    /// Milliseconds on a CPU.
    pub(crate) cpu_ms: f64,
    /// Cores in use, on average.
    pub(crate) cores: f64,
    /// Resident memory at the end, in bytes.
    pub(crate) resident_bytes: u64,
    /// Open descriptors at the end.
    pub(crate) descriptors: u64,
}

impl Usage {
    /// Looks at processes.
    ///
    /// # Errors
    /// With the id of the process that cannot be looked at.
    pub(crate) fn of(pids: &[u32]) -> Result<Self, (u32, io::Error)> {
        let mut sum = Self::default();
        for pid in pids {
            let one = Self::of_one(*pid).map_err(|error| (*pid, error))?;
            sum.cpu_ns += one.cpu_ns;
            sum.resident_bytes += one.resident_bytes;
            sum.descriptors += one.descriptors;
        }
        Ok(sum)
    }

    fn of_one(pid: u32) -> io::Result<Self> {
        let mut cpu_ns = 0;
        for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
            // A thread may end while its neighbours are looked at.
            let text = fs::read_to_string(thread?.path().join("schedstat")).unwrap_or_default();
            cpu_ns += first_number(&text);
        }
        let pages = fs::read_to_string(format!("/proc/{pid}/statm"))?;
        let resident = pages.split_whitespace().nth(1).map_or(0, first_number);
        Ok(Self {
            cpu_ns,
            resident_bytes: resident * rustix::param::page_size() as u64,
            descriptors: fs::read_dir(format!("/proc/{pid}/fd"))?.count() as u64,
        })
    }

    /// What was used since an earlier look.
    #[allow(clippy::cast_precision_loss)] // nanoseconds of hours fit
    pub(crate) fn since(self, earlier: Self, wall_ns: u64) -> Used {
        let cpu_ns = self.cpu_ns.saturating_sub(earlier.cpu_ns) as f64;
        Used {
            cpu_ms: cpu_ns / 1e6,
            cores: cpu_ns / wall_ns.max(1) as f64,
            resident_bytes: self.resident_bytes,
            descriptors: self.descriptors,
        }
    }
}

fn first_number(text: &str) -> u64 {
    let first = text.split_whitespace().next();
    first.and_then(|word| word.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_something_and_another_one_does_not_exist() {
        let me = std::process::id();
        let before = Usage::of(&[me]).unwrap();
        let mut sum = 0_u64;
        for number in 0..3_000_000_u64 {
            sum = std::hint::black_box(sum ^ number);
        }
        let used = Usage::of(&[me]).unwrap().since(before, 1_000_000_000);
        assert!(used.cpu_ms > 0.0, "{used:?} {sum}");
        assert!(
            used.resident_bytes > 100_000 && used.descriptors >= 3,
            "{used:?}"
        );
        let (pid, _) = Usage::of(&[me, u32::MAX]).unwrap_err();
        assert_eq!(pid, u32::MAX);
    }
}
