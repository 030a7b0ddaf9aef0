//! A relay with a test picture: the shortest way from a clone to a picture in a player.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::checks;
use crate::workspace::{release_binary, target_dir};

/// The relay and the encoder, ended with this value.
struct Running(Vec<(&'static str, Child)>);

impl Drop for Running {
    fn drop(&mut self) {
        for (_, child) in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Runs until the relay or the encoder ends, or Ctrl-C.
pub(crate) fn run() -> Result<(), String> {
    checks::release_build().run()?;
    let dir = target_dir().join("demo");
    std::fs::create_dir_all(&dir)
        .map_err(|error| format!("cannot make {}: {error}", dir.display()))?;
    let (rtmp, http) = (free_port()?, free_port()?);
    let mut running = Running(vec![("the relay", start_relay(&dir, rtmp, http)?)]);
    wait_for(http)?;
    running.0.push(("ffmpeg", start_encoder(rtmp)?));
    let url = format!("rtmp://127.0.0.1:{rtmp}/demo/picture");
    println!("\nA test picture plays at {url}\n");
    println!("  in a player:   ffplay {url}");
    println!("  in VLC:        vlc {url}");
    println!(
        "  to a file:     {} play {url} picture.flv",
        release_binary().display()
    );
    println!("  what happens:  curl http://127.0.0.1:{http}/api/v1/streams");
    println!("\nCtrl-C ends it.");
    loop {
        for (name, child) in &mut running.0 {
            if let Ok(Some(status)) = child.try_wait() {
                return Err(format!("{name} ended: {status}"));
            }
        }
        thread::sleep(Duration::from_millis(200));
    }
}

fn start_relay(dir: &Path, rtmp: u16, http: u16) -> Result<Child, String> {
    let config = dir.join("bongsu.toml");
    let text = format!(
        "[rtmp]\nlisten = [\"127.0.0.1:{rtmp}\"]\n\n[http]\nlisten = [\"127.0.0.1:{http}\"]\n\n\
         [apps.demo]\npublish = \"open\"\n"
    );
    std::fs::write(&config, text)
        .map_err(|error| format!("cannot write {}: {error}", config.display()))?;
    Command::new(release_binary())
        .args(["serve", "--config"])
        .arg(&config)
        .spawn()
        .map_err(|error| format!("cannot start {}: {error}", release_binary().display()))
}

fn start_encoder(rtmp: u16) -> Result<Child, String> {
    let arguments = "-hide_banner -loglevel error -re -f lavfi -i testsrc2=size=640x360:rate=30 \
                     -f lavfi -i sine=frequency=440:sample_rate=44100 \
                     -c:v libx264 -preset veryfast -tune zerolatency -g 60 -pix_fmt yuv420p -b:v 1000k \
                     -c:a aac -b:a 96k -f flv";
    Command::new("ffmpeg")
        .args(arguments.split_whitespace())
        .arg(format!("rtmp://127.0.0.1:{rtmp}/demo/picture"))
        .stdin(Stdio::null())
        .spawn()
        .map_err(|error| {
            format!("cannot start ffmpeg: {error}; type: sudo apt-get install -y ffmpeg")
        })
}

fn free_port() -> Result<u16, String> {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|error| format!("no free port on 127.0.0.1: {error}"))
}

fn wait_for(port: u16) -> Result<(), String> {
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(10) {
        if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(20));
    }
    Err("the relay did not start within 10 s; see its lines above".to_owned())
}
