//! The examples, run as processes against each other.
#![expect(clippy::unwrap_used, reason = "the helpers are part of the tests")]
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "two processes have clocks and sockets"
)]

use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, Instant};

use bongsu_flv::{Kind, tag};
use bongsu_rtmp::message::MediaKind;
use bongsu_rtmp::session::ClientSession;
use bongsu_rtmp::session::client::{ClientConfig, Event, Role, Step};
use bongsu_rtmp::url::RtmpUrl;
use bytes::BytesMut;

/// Time from the first tag of [`Movie`] to its last, in milliseconds: more than the second between two reports.
const MOVIE_MS: u32 = 1_200;
/// Bytes of its one keyframe: many chunks, and more than a stranger may send in a message.
const KEYFRAME_BYTES: usize = 100_000;

/// Cargo puts examples beside the `deps` directory of the tests.
fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let target = test.parent().and_then(Path::parent).unwrap();
    let path = target.join("examples").join(name);
    assert!(
        path.exists(),
        "{} is missing: type `cargo build -p bongsu-rtmp --examples`",
        path.display()
    );
    path
}

/// A file that a publisher can send, and what is in it.
struct Movie {
    path: PathBuf,
    frames: usize,
    bytes: usize,
}

impl Movie {
    fn write(name: &str) -> Self {
        let mut file = BytesMut::new();
        tag::write_file_header(&mut file, true, true);
        // Neither the metadata nor a tag of a kind that RTMP has no message for is a frame.
        tag::write_tag(
            &mut file,
            Kind::Data,
            0,
            b"\x02\0\x0aonMetaData\x08\0\0\0\0\0\0\x09",
        )
        .unwrap();
        file.extend_from_slice(b"\x0f\0\0\x01\0\0\0\0\0\0\0x\0\0\0\x0c");
        let (mut frames, mut bytes) = (0, 0);
        let mut frame = |kind, timestamp, payload: &[u8]| {
            tag::write_tag(&mut file, kind, timestamp, payload).unwrap();
            (frames, bytes) = (frames + 1, bytes + payload.len());
        };
        let mut keyframe = b"\x17\x01\0\0\0".to_vec();
        keyframe.resize(KEYFRAME_BYTES, 0xab);
        frame(Kind::Video, 0, b"\x17\0\0\0\0\x01\x42\xc0\x1e");
        frame(Kind::Audio, 0, b"\xaf\0\x12\x10");
        frame(Kind::Video, 0, &keyframe);
        for timestamp in (0..=MOVIE_MS).step_by(40) {
            frame(Kind::Audio, timestamp, &[0xaf, 1, 2, 3]);
            frame(Kind::Video, timestamp, &[0x27, 1, 0, 0, 0, 4, 5]);
        }
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::write(&path, &file).unwrap();
        Self {
            path,
            frames,
            bytes,
        }
    }
}

fn publisher(file: &Path, url: &str) -> Command {
    let mut command = Command::new(example("publisher"));
    command.arg(file).arg(url);
    command
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn assert_failed(output: &Output, why: &str) {
    assert_eq!(text(&output.stderr), format!("error: {why}\n"));
    assert_eq!(text(&output.stdout), "");
    assert_eq!(output.status.code(), Some(1));
}

/// The process of a server on a port that the system chose; ends with the test.
struct Server {
    process: Child,
    address: String,
    lines: Lines<BufReader<ChildStdout>>,
    complaints: Lines<BufReader<ChildStderr>>,
}

impl Server {
    /// The example of this name.
    fn start(name: &str) -> Self {
        let mut process = Command::new(example(name))
            .arg("127.0.0.1:0")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let complaints = BufReader::new(process.stderr.take().unwrap()).lines();
        let line = lines.next().unwrap().unwrap();
        let address = line.strip_prefix("listening on ").unwrap().to_owned();
        Self {
            process,
            address,
            lines,
            complaints,
        }
    }

    fn url(&self, path: &str) -> String {
        format!("rtmp://{}/{path}", self.address)
    }

    fn line(&mut self) -> String {
        self.lines.next().unwrap().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A player of ours, which has been let in.
struct Player {
    socket: TcpStream,
    session: ClientSession,
}

impl Player {
    fn join(server: &Server, path: &str) -> Self {
        let url = RtmpUrl::parse(&server.url(path)).unwrap();
        let config = ClientConfig::new(Role::Play, url, [3; 16]);
        let mut player = Self {
            socket: TcpStream::connect(&server.address).unwrap(),
            session: ClientSession::new(config, Instant::now()),
        };
        while player.session.step() != Step::Started {
            assert_eq!(player.next(), [], "nothing is published yet");
        }
        player
    }

    /// Audio and video of one read, and `None` behind them at the end of the stream.
    fn next(&mut self) -> Vec<Option<usize>> {
        let mut got = Vec::new();
        while let Some(event) = self.session.pump(&mut self.socket).unwrap() {
            match event {
                Event::Media { kind, payload, .. } if kind != MediaKind::Data => {
                    got.push(Some(payload.len()));
                }
                Event::Ended { code, .. } => {
                    assert_eq!(code, "NetStream.Play.UnpublishNotify");
                    got.push(None);
                }
                _ => {}
            }
        }
        if got.is_empty() {
            let mut buffer = [0; 16 << 10];
            let read = self.socket.read(&mut buffer).unwrap();
            assert!(read > 0, "closed without a word");
            self.session
                .handle_bytes(Instant::now(), &buffer[..read])
                .unwrap();
        }
        got
    }

    /// Frames and bytes up to the end of the stream.
    fn watch(mut self) -> (usize, usize) {
        let (mut frames, mut bytes) = (0, 0);
        loop {
            for frame in self.next() {
                let Some(len) = frame else {
                    return (frames, bytes);
                };
                (frames, bytes) = (frames + 1, bytes + len);
            }
        }
    }
}

// Goal: what is in the file is what the player gets.
#[test]
fn the_server_relays_what_the_publisher_sends_in_real_time() {
    let movie = Movie::write("relayed.flv");
    let mut server = Server::start("relay");
    let player = Player::join(&server, "live/cam");
    let watching = std::thread::spawn(|| player.watch());
    let started_at = Instant::now();
    let output = publisher(&movie.path, &server.url("live/cam?key=unused"))
        .output()
        .unwrap();
    assert_eq!(text(&output.stderr), "");
    let published = format!("published {} frames\n", movie.frames);
    assert_eq!(text(&output.stdout), published);
    assert!(output.status.success());
    assert!(
        started_at.elapsed() >= Duration::from_millis(MOVIE_MS.into()),
        "too fast"
    );
    assert_eq!(watching.join().unwrap(), (movie.frames, movie.bytes));
    assert_eq!(server.line(), "live/cam: ended");
}

#[test]
fn two_streams_are_relayed_at_once_each_to_its_players() {
    let movie = Movie::write("twice.flv");
    let server = Server::start("relay");
    let watching = ["live/a", "live/b", "live/b"].map(|path| {
        let player = Player::join(&server, path);
        std::thread::spawn(|| player.watch())
    });
    let mut publishers = ["live/a", "live/b"].map(|path| {
        publisher(&movie.path, &server.url(path))
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    });
    for watched in watching {
        assert_eq!(watched.join().unwrap(), (movie.frames, movie.bytes));
    }
    for publisher in &mut publishers {
        assert!(publisher.wait().unwrap().success());
    }
}

#[test]
fn a_publisher_that_fails_says_why_and_its_players_hear_the_end() {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("no-movie.flv");
    std::fs::write(&path, b"RIFF").unwrap();
    let mut server = Server::start("relay");
    let player = Player::join(&server, "live/cam");
    let output = publisher(&path, &server.url("live/cam")).output().unwrap();
    assert_failed(&output, "not an FLV file: it does not begin with \"FLV\"");
    assert_eq!(server.line(), "live/cam: ended");
    assert_eq!(player.watch(), (0, 0));
}

// Goal: each of two publishers at once is counted to its end, and a player is told that there is nothing.
#[test]
fn the_small_server_counts_what_is_published_and_refuses_to_play() {
    let movie = Movie::write("counted.flv");
    let mut server = Server::start("server");
    let mut publishers = ["live/a", "live/b"].map(|path| {
        publisher(&movie.path, &server.url(path))
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    });
    for publisher in &mut publishers {
        assert!(publisher.wait().unwrap().success());
        let counted = format!(": {} frames", movie.frames);
        let line = server.line();
        assert!(line.ends_with(&counted), "{line}");
    }
    let url = RtmpUrl::parse(&server.url("live/a")).unwrap();
    let config = ClientConfig::new(Role::Play, url, [5; 16]);
    let mut session = ClientSession::new(config, Instant::now());
    let mut socket = TcpStream::connect(&server.address).unwrap();
    let mut buffer = [0; 4 << 10];
    let refusal = loop {
        let event = session.pump(&mut socket).unwrap();
        if let Some(Event::Refused(refusal)) = event {
            break refusal;
        }
        if event.is_none() {
            let read = socket.read(&mut buffer).unwrap();
            assert!(read > 0, "closed without a word");
            session
                .handle_bytes(Instant::now(), &buffer[..read])
                .unwrap();
        }
    };
    assert_eq!(refusal.code, "NetStream.Play.StreamNotFound");
}

// Goal: the first publisher of a name keeps it, and who joins it late gets the headers first.
#[test]
fn a_second_publisher_is_turned_away_and_late_players_get_headers() {
    let movie = Movie::write("first.flv");
    let mut server = Server::start("relay");
    let early = Player::join(&server, "live/cam");
    let mut first = publisher(&movie.path, &server.url("live/cam"))
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut early = early;
    while early.next().is_empty() {}
    let second = publisher(&movie.path, &server.url("live/cam"))
        .output()
        .unwrap();
    assert_failed(&second, "the server closed the connection");
    let complaint = server.complaints.next().unwrap().unwrap();
    assert!(complaint.ends_with(": the name is taken"), "{complaint}");
    let (frames, bytes) = Player::join(&server, "live/cam").watch();
    assert!((3..movie.frames).contains(&frames), "{frames}");
    assert!(bytes > 0);
    assert!(first.wait().unwrap().success());
}

#[test]
fn a_publisher_that_is_refused_names_the_code_and_no_words() {
    let movie = Movie::write("refused.flv");
    let mut server = Server::start("relay");
    let output = publisher(&movie.path, &server.url("live/.hidden"))
        .output()
        .unwrap();
    assert_failed(&output, "the server said no: NetStream.Publish.BadName");
    let complaint = server.complaints.next().unwrap().unwrap();
    assert!(
        complaint.ends_with(": refused with NetStream.Publish.BadName"),
        "{complaint}"
    );
}

#[test]
fn a_publisher_says_what_it_cannot_do() {
    let output = Command::new(example("publisher")).output().unwrap();
    assert_failed(&output, "type: publisher <file.flv> <rtmp://host/app/name>");
    let movie = Movie::write("unsent.flv");
    let output = publisher(&movie.path, "rtmps://127.0.0.1/live/cam")
        .output()
        .unwrap();
    assert_failed(&output, "rtmps needs TLS, which std::net does not have");
}

// Goal: one connection of nonsense ends alone.
#[test]
fn a_peer_that_speaks_http_is_told_so_and_the_next_one_is_served() {
    let mut server = Server::start("relay");
    let mut browser = TcpStream::connect(&server.address).unwrap();
    browser.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    browser.shutdown(Shutdown::Write).unwrap();
    let mut answer = String::new();
    browser.read_to_string(&mut answer).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 400 Bad Request\r\n"),
        "{answer}"
    );
    let complaint = server.complaints.next().unwrap().unwrap();
    assert!(complaint.ends_with("it speaks HTTP"), "{complaint}");

    let movie = Movie::write("next.flv");
    let next = publisher(&movie.path, &server.url("live/cam"))
        .output()
        .unwrap();
    assert!(next.status.success());
}
