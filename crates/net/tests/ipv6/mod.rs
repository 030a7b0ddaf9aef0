//! Whether this machine has IPv6.

use std::net::{Ipv6Addr, TcpListener};

/// False where `::1` cannot be bound; then it says what is skipped.
#[expect(clippy::print_stdout, reason = "what is skipped must be said")]
pub(crate) fn is_here(what: &str) -> bool {
    let bound = TcpListener::bind((Ipv6Addr::LOCALHOST, 0));
    if bound.is_err() {
        println!("skipped: {what} (this machine has no ::1)");
    }
    bound.is_ok()
}
