//! SIGINT and SIGTERM as a flag that loops look at.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::signal::unix::{SignalKind, signal};

use crate::failure::Failure;

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Turns SIGINT and SIGTERM into a flag, from the return of this function on. A second signal ends the process at
/// once, as it would without us.
pub(crate) fn watch() -> Result<(), Failure> {
    let cannot = |error| {
        Failure::new(
            format!("cannot watch for signals: {error}"),
            "raise the limit of open files (`ulimit -n`)",
        )
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(cannot)?;
    let (mut interrupt, mut terminate) = {
        let _inside = runtime.enter();
        let interrupt = signal(SignalKind::interrupt()).map_err(cannot)?;
        (interrupt, signal(SignalKind::terminate()).map_err(cannot)?)
    };
    // It lives as long as the process does, and holds nothing that must be put away.
    std::thread::spawn(move || {
        runtime.block_on(async {
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                if INTERRUPTED.swap(true, Ordering::Relaxed) {
                    std::process::exit(i32::from(crate::failure::CODE_INTERRUPTED));
                }
            }
        });
    });
    Ok(())
}

/// Whether a signal came.
pub(crate) fn happened() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}
