//! Waiting for conditions.

use std::thread;
use std::time::{Duration, Instant};

/// Between two looks at a condition.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Looks until `condition` gives a value, and gives it.
///
/// # Panics
///
/// With `what` when `limit` passes before that.
pub fn until<T>(what: &str, limit: Duration, mut condition: impl FnMut() -> Option<T>) -> T {
    try_until(limit, &mut condition)
        .unwrap_or_else(|| panic!("waited {:.1} s in vain for {what}", limit.as_secs_f64()))
}

/// Looks until `condition` holds.
///
/// # Panics
///
/// With `what` when `limit` passes before that.
pub fn until_true(what: &str, limit: Duration, mut condition: impl FnMut() -> bool) {
    until(what, limit, || condition().then_some(()));
}

/// Looks until `condition` gives a value; `None` when `limit` passes before that.
pub fn try_until<T>(limit: Duration, mut condition: impl FnMut() -> Option<T>) -> Option<T> {
    let started = Instant::now();
    loop {
        if let Some(value) = condition() {
            return Some(value);
        }
        if started.elapsed() >= limit {
            return None;
        }
        thread::sleep(LOOK_EVERY);
    }
}
