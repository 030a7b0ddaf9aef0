//! What the kernel knows about a connection. The only module of the project with `unsafe` code.
//!
//! Neither the standard library, socket2 nor rustix has a safe call for `SIOCOUTQ`.
#![allow(unsafe_code)]

use std::ffi::c_int;
use std::io;
use std::os::fd::AsFd;

use rustix::ioctl::{Getter, Opcode, ioctl};

/// `SIOCOUTQ` of Linux's `sockios.h`, the same number as `TIOCOUTQ` on x86-64 and aarch64.
const SIOCOUTQ: Opcode = 0x5411;

// These number their terminal ioctls in another way.
const _: () = assert!(!cfg!(any(
    target_arch = "mips",
    target_arch = "mips64",
    target_arch = "powerpc",
    target_arch = "powerpc64",
    target_arch = "sparc",
    target_arch = "sparc64",
)));

/// How many written bytes the peer's TCP has not acknowledged yet, sent or not.
///
/// Bytes written in all, less this, is what has arrived: the proof of progress of a destination. 0 after
/// everything arrived; bytes in the peer's kernel count as arrived even when its program has not read them.
///
/// # Errors
///
/// `EINVAL` on a listener, `ENOTTY` or the like on what is no TCP socket.
pub fn unsent_bytes(socket: impl AsFd) -> io::Result<usize> {
    // SAFETY: SIOCOUTQ on a TCP socket writes one C int through the pointer, which is what `Getter` with
    // `c_int` passes and owns for the time of the call; it reads nothing from it. On any other kind of
    // file the same number is TIOCOUTQ, which writes one C int as well, or is refused. The descriptor is
    // borrowed for the call, so that it is open.
    let bytes = unsafe { ioctl(socket, Getter::<SIOCOUTQ, c_int>::new()) }?;
    Ok(usize::try_from(bytes).unwrap_or(0))
}
