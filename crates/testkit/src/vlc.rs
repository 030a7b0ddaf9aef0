//! VLC, judged by the pictures that it decodes.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::Process;
use crate::tool::Tool;

/// The user that VLC runs as when the tests run as root, which VLC refuses: nobody.
const UNPRIVILEGED: &str = "65534";

/// VLC as a player that writes every picture that it shows to a file.
///
/// It needs a home that it may write to, whoever it runs as; the folder goes with this value.
#[derive(Debug)]
pub struct Vlc {
    process: Process,
    home: PathBuf,
}

impl Vlc {
    /// Plays until the stream ends.
    ///
    /// # Panics
    ///
    /// When it cannot be started.
    #[must_use]
    pub fn play(name: &str, logs: &Path, url: &str) -> Self {
        let home = std::env::temp_dir().join(format!("bongsu-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&home);
        fs::create_dir_all(&home).expect("a home for VLC");
        fs::set_permissions(&home, fs::Permissions::from_mode(0o777))
            .expect("a home that VLC may write to");
        let mut command = unprivileged(&Tool::Vlc.path());
        command
            .env("HOME", &home)
            .env_remove("XDG_RUNTIME_DIR")
            .current_dir(&home)
            .args(
                "--no-color --play-and-exit --no-drop-late-frames --no-skip-frames --aout dummy"
                    .split(' '),
            )
            // On a busy machine pictures that are late for the default buffer of one second would be left out.
            .args(["--network-caching", "3000"])
            .args(["--vout", "yuv", "--yuv-yuv4mpeg2", "--yuv-file"])
            .arg(home.join("pictures.y4m"))
            .arg(url)
            .arg("vlc://quit");
        let process = Process::start(name, logs, &mut command);
        Self { process, home }
    }

    /// The process, to wait for its end.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// How many different pictures it has shown. The same picture twice counts once: VLC shows a picture again while
    /// it waits for the next one, and no two pictures of the test source are the same.
    #[must_use]
    pub fn pictures(&self) -> usize {
        let bytes = fs::read(self.home.join("pictures.y4m")).unwrap_or_default();
        distinct_pictures(&bytes)
    }
}

impl Drop for Vlc {
    fn drop(&mut self) {
        self.process.kill();
        let _ = fs::remove_dir_all(&self.home);
    }
}

/// A command as somebody who is not root.
fn unprivileged(program: &Path) -> Command {
    if !rustix::process::getuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command
        .args([
            "--reuid",
            UNPRIVILEGED,
            "--regid",
            UNPRIVILEGED,
            "--clear-groups",
            "--",
        ])
        .arg(program);
    command
}

/// Different pictures in a YUV4MPEG2 file: one line about the stream, then `FRAME` and the bytes, 12 bits per pixel.
fn distinct_pictures(bytes: &[u8]) -> usize {
    let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
        return 0;
    };
    let (head, rest) = bytes.split_at(end + 1);
    let head = String::from_utf8_lossy(head);
    let side = |letter: char| -> usize {
        head.split_whitespace()
            .find_map(|word| word.strip_prefix(letter)?.parse().ok())
            .unwrap_or(0)
    };
    let (width, height) = (side('W'), side('H'));
    let chroma = width.div_ceil(2) * height.div_ceil(2) * 2;
    let picture = b"FRAME\n".len() + width * height + chroma;
    rest.chunks_exact(picture).collect::<BTreeSet<_>>().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_shown_twice_counts_once() {
        let file = b"YUV4MPEG2 W2 H2 F25:1 Ip A1:1\nFRAME\nabcdefFRAME\nabcdefFRAME\nghijklFRA";
        assert_eq!(distinct_pictures(file), 2);
        assert_eq!(distinct_pictures(b""), 0);
    }
}
