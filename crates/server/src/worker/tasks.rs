//! The tasks of a worker, counted, so that nothing is left behind when it leaves.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use crate::mailbox::{Mail, Mailbox};

/// How many tasks run.
#[derive(Debug, Default)]
pub(super) struct Tasks(Rc<Count>);

#[derive(Debug, Default)]
struct Count {
    running: Cell<usize>,
    idle: Mailbox,
}

/// Counts one task for as long as it lives, however it ends.
struct Running(Rc<Count>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.set(self.0.running.get() - 1);
        if self.0.running.get() == 0 {
            self.0.idle.post(Mail::WORK);
        }
    }
}

impl Tasks {
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        self.0.running.set(self.0.running.get() + 1);
        let running = Running(Rc::clone(&self.0));
        tokio::task::spawn_local(async move {
            task.await;
            drop(running);
        });
    }

    /// Waits until no task runs, at most so long. Says how many are left.
    pub(super) async fn join(&self, at_most: Duration) -> usize {
        let all_done = async {
            while self.0.running.get() > 0 {
                let _ = self.0.idle.take();
                self.0.idle.wait().await;
            }
        };
        let _ = tokio::time::timeout(at_most, all_done).await;
        self.0.running.get()
    }
}
