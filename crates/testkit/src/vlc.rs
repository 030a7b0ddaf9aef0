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

/// The file with the pictures, in the home of VLC.
const PICTURES: &str = "pictures.png";
/// What a PNG file begins with; it stands nowhere else in one.
const PNG_BEGIN: &[u8] = b"\x89PNG\r\n\x1a\n";
/// What a PNG file ends with: its chunk IEND with the checksum.
const PNG_END: &[u8] = b"IEND\xaeB`\x82";

/// VLC as a player that writes every picture that it decodes to a file, as a PNG behind the last one.
///
/// It does not show them: VLC forgets a picture that waits for its time on the screen when the stream ends, so that now
/// and then the last one would be missing.
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
            .args("--no-color --play-and-exit --no-drop-late-frames --no-skip-frames".split(' '))
            // On a busy machine pictures that are late for the default buffer of one second would be left out.
            .args(["--network-caching", "3000"])
            .args(["--no-sout-audio", "--sout"])
            .arg(format!(
                "#transcode{{vcodec=png}}:std{{access=file,mux=dummy,dst={}}}",
                home.join(PICTURES).display()
            ))
            .arg(url)
            .arg("vlc://quit");
        let process = Process::start(name, logs, &mut command);
        Self { process, home }
    }

    /// The process, to wait for its end.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// How many different pictures it has decoded. No two pictures of the test source are the same.
    #[must_use]
    pub fn pictures(&self) -> usize {
        distinct_pictures(&fs::read(self.home.join(PICTURES)).unwrap_or_default())
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

/// Different whole pictures in a row of PNG files.
fn distinct_pictures(bytes: &[u8]) -> usize {
    let mut pictures = BTreeSet::new();
    let mut from = None;
    for at in 0..bytes.len() {
        let rest = &bytes[at..];
        if rest.starts_with(PNG_BEGIN) {
            from = Some(at);
        } else if rest.starts_with(PNG_END)
            && let Some(from) = from.take()
        {
            pictures.insert(&bytes[from..at]);
        }
    }
    pictures.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_pictures_that_differ_are_counted() {
        let picture = |what: &[u8]| [PNG_BEGIN, what, PNG_END].concat();
        let [one, other] = [b"one", b"two"].map(|what| picture(what));
        let cut_short = &other[..other.len() - 1];
        assert_eq!(distinct_pictures(&[one.as_slice(), &other].concat()), 2);
        assert_eq!(distinct_pictures(&[one.as_slice(), &one].concat()), 1);
        assert_eq!(distinct_pictures(&[&one, cut_short].concat()), 1);
        assert_eq!(distinct_pictures(b""), 0);
    }
}
