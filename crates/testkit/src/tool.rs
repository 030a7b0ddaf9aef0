//! The programs that the tests run against the relay.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::place::target_dir;

/// A real peer, or a program that a test needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// The ffmpeg of the distribution: FLV as it was before Enhanced RTMP.
    DebianFfmpeg,
    /// The ffmpeg in the `imageio-ffmpeg` wheel: Enhanced RTMP, several audio tracks.
    WheelFfmpeg,
    /// rtmpdump, the player of librtmp.
    Rtmpdump,
    /// GStreamer's pipeline runner.
    GstLaunch,
    /// VLC without its windows.
    Vlc,
    /// nginx, with the rtmp module beside it.
    Nginx,
}

impl Tool {
    /// Where it is.
    ///
    /// # Panics
    ///
    /// When it is not installed; the text says what to type.
    #[must_use]
    pub fn path(self) -> PathBuf {
        self.find()
            .unwrap_or_else(|| panic!("{} is missing; type: {}", self.name(), self.remedy()))
    }

    /// A command that runs it.
    ///
    /// # Panics
    ///
    /// As [`Self::path`].
    #[must_use]
    pub fn command(self) -> Command {
        Command::new(self.path())
    }

    /// Its name and version, in one line.
    ///
    /// # Panics
    ///
    /// When it cannot be run.
    #[must_use]
    pub fn version(self) -> String {
        let flag = match self {
            Self::DebianFfmpeg | Self::WheelFfmpeg => "-version",
            Self::GstLaunch => "--version",
            Self::Nginx => "-v",
            Self::Rtmpdump => "-h",
            // It refuses to say its version to root.
            Self::Vlc => return format!("VLC {}", debian_version("vlc-bin")),
        };
        let output = self
            .command()
            .arg(flag)
            .output()
            .expect("a program that says its version");
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text);
        let line = match self {
            Self::GstLaunch => text.lines().nth(1),
            _ => text.lines().find(|line| !line.trim().is_empty()),
        };
        let line = line.unwrap_or_default().trim();
        match self {
            Self::Nginx => format!(
                "{line}, rtmp module {}",
                debian_version("libnginx-mod-rtmp")
            ),
            Self::DebianFfmpeg | Self::WheelFfmpeg => {
                line.split(" Copyright").next().unwrap_or(line).to_owned()
            }
            Self::Rtmpdump => format!("{line}, librtmp {}", debian_version("librtmp1")),
            Self::GstLaunch | Self::Vlc => line.to_owned(),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::DebianFfmpeg => "ffmpeg",
            Self::WheelFfmpeg => "the ffmpeg of the imageio-ffmpeg wheel",
            Self::Rtmpdump => "rtmpdump",
            Self::GstLaunch => "gst-launch-1.0",
            Self::Vlc => "vlc",
            Self::Nginx => "nginx",
        }
    }

    const fn remedy(self) -> &'static str {
        match self {
            Self::DebianFfmpeg => "sudo apt-get install -y ffmpeg",
            Self::WheelFfmpeg => {
                "cargo xtask test (it installs the wheel), or set BONGSU_FFMPEG9 to such an ffmpeg"
            }
            Self::Rtmpdump => "sudo apt-get install -y rtmpdump",
            Self::GstLaunch => "sudo apt-get install -y gstreamer1.0-tools",
            Self::Vlc => "sudo apt-get install -y vlc-bin vlc-plugin-base",
            Self::Nginx => "sudo apt-get install -y nginx libnginx-mod-rtmp",
        }
    }

    fn find(self) -> Option<PathBuf> {
        match self {
            Self::WheelFfmpeg => match std::env::var_os("BONGSU_FFMPEG9") {
                Some(path) => Some(path.into()),
                None => wheel_ffmpeg(&target_dir().join("interop-venv")),
            },
            Self::Vlc => in_path("cvlc"),
            other => in_path(other.name()),
        }
    }
}

/// The program in the `PATH`, or in the folders that only root's `PATH` names.
fn in_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

fn wheel_ffmpeg(venv: &Path) -> Option<PathBuf> {
    // lib/python3.11/site-packages/imageio_ffmpeg/binaries/ffmpeg-linux-x86_64-v9.0.2
    let python = entry(&venv.join("lib"), "python3")?;
    entry(
        &python.join("site-packages/imageio_ffmpeg/binaries"),
        "ffmpeg-",
    )
}

fn entry(folder: &Path, prefix: &str) -> Option<PathBuf> {
    let entries = std::fs::read_dir(folder).ok()?;
    entries
        .flatten()
        .find(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .map(|entry| entry.path())
}

/// The version of a Debian package; empty where there is no such thing.
fn debian_version(package: &str) -> String {
    Command::new("dpkg-query")
        .args(["--show", "--showformat=${Version}", package])
        .output()
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
        .unwrap_or_default()
}
