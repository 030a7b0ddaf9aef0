//! The programs that the tests against real encoders and players need, and how they get here.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::workspace::{output_of, target_dir};

/// Debian packages by name.
const PACKAGES: [&str; 14] = [
    "ffmpeg",
    "gstreamer1.0-libav",
    "gstreamer1.0-plugins-bad",
    "gstreamer1.0-plugins-base",
    "gstreamer1.0-plugins-good",
    "gstreamer1.0-plugins-ugly",
    "gstreamer1.0-tools",
    "libnginx-mod-rtmp",
    "nginx",
    "procps",
    "python3",
    "rtmpdump",
    "vlc-bin",
    "vlc-plugin-base",
];

/// The wheel that carries an ffmpeg with Enhanced RTMP, pinned: the golden transcripts name its version.
const WHEEL: &str = "imageio-ffmpeg==0.8.1";

/// Installs what is missing; what is there is left alone.
pub(crate) fn install() -> Result<(), String> {
    let missing: Vec<&str> = PACKAGES
        .into_iter()
        .filter(|package| !is_installed(package))
        .collect();
    if missing.is_empty() {
        println!("all {} packages are there", PACKAGES.len());
    } else {
        install_packages(&missing)?;
    }
    install_wheel()?;
    read_plugins()
}

/// GStreamer reads all its plug-ins once per user; a test that has to wait for that is slow for no reason.
fn read_plugins() -> Result<(), String> {
    for element in [
        "rtmp2sink",
        "rtmp2src",
        "rtmpsink",
        "h264parse",
        "aacparse",
        "flvmux",
    ] {
        output_of(Command::new("gst-inspect-1.0").arg("--exists").arg(element))
            .map_err(|_| format!("GStreamer has no {element}; type: gst-inspect-1.0 {element}"))?;
    }
    Ok(())
}

fn is_installed(package: &str) -> bool {
    let mut query = Command::new("dpkg-query");
    query.args(["--show", "--showformat=${db:Status-Status}", package]);
    output_of(&mut query).is_ok_and(|status| status == "installed")
}

fn install_packages(missing: &[&str]) -> Result<(), String> {
    let list = missing.join(" ");
    let by_hand = format!("the tests need {list}; type: sudo apt-get install -y {list}");
    println!("installing {list}");
    let root = output_of(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    if !root && !run("sudo", &["-n", "true"]) {
        return Err(by_hand);
    }
    let prefix: &[&str] = if root {
        &["env"]
    } else {
        &["sudo", "-n", "env"]
    };
    let apt = |arguments: &[&str]| {
        let mut words = prefix.to_vec();
        words.extend([
            "DEBIAN_FRONTEND=noninteractive",
            "apt-get",
            "-qq",
            "-o",
            "DPkg::Lock::Timeout=120",
        ]);
        words.extend(arguments);
        words
            .split_first()
            .is_some_and(|(program, rest)| run(program, rest))
    };
    let mut install = vec!["install", "-y", "--no-install-recommends"];
    install.extend(missing);
    // The lists of a fresh machine are empty or old.
    if apt(&["update"]) && apt(&install) {
        Ok(())
    } else {
        Err(by_hand)
    }
}

fn run(program: &str, arguments: &[&str]) -> bool {
    Command::new(program)
        .args(arguments)
        .status()
        .is_ok_and(|status| status.success())
}

/// The folder of the wheel; the tests look for it by the same name.
fn venv() -> PathBuf {
    target_dir().join("interop-venv")
}

fn install_wheel() -> Result<(), String> {
    let venv = venv();
    let mark = venv.join("installed");
    if std::fs::read_to_string(&mark).is_ok_and(|wheel| wheel == WHEEL) {
        println!("{WHEEL} is there");
        return Ok(());
    }
    println!("installing {WHEEL} in {}", venv.display());
    let by_hand = || {
        let dir = venv.display();
        format!(
            "the tests need {WHEEL}; type: python3 -m venv {dir} && {dir}/bin/pip install {WHEEL}"
        )
    };
    if !make_venv(&venv) {
        return Err(by_hand());
    }
    let pip = venv.join("bin/pip").to_string_lossy().into_owned();
    if !run(
        &pip,
        &["install", "--quiet", "--disable-pip-version-check", WHEEL],
    ) {
        return Err(by_hand());
    }
    std::fs::write(&mark, WHEEL)
        .map_err(|error| format!("cannot write {}: {error}", mark.display()))
}

fn make_venv(venv: &Path) -> bool {
    let path = venv.to_string_lossy();
    // Debian's own python comes without the part that makes these folders.
    run("python3", &["-m", "venv", &path])
        || (install_packages(&["python3-venv"]).is_ok() && run("python3", &["-m", "venv", &path]))
}

/// Says what this machine cannot test, before the tests, so that their summary stays last.
pub(crate) fn print_skipped() {
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        println!("skipped: everything over IPv6 (this machine has no ::1)");
    }
}
