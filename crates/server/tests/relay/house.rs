//! A relay on a thread of its own.

use std::net::SocketAddr;
use std::thread::JoinHandle;
use std::time::Duration;

use bongsu_server::config::{App, Config, Environment, PublishPolicy, Sources};
use bongsu_server::{Command, Relay, StartError};
use tokio::sync::mpsc;

/// How long a step may take that has no limit of its own.
pub(crate) const LIMIT: Duration = Duration::from_secs(10);

/// A minimal H.264 sequence header and keyframe; nobody decodes them here.
pub(crate) const HEADER: &[u8] =
    b"\x17\x00\x00\x00\x00\x01\x64\x00\x14\xff\xe1\x00\x00\x01\x00\x00";
pub(crate) const KEYFRAME: &[u8] = b"\x17\x01\x00\x00\x00\x00\x00\x00\x04\x65\x88\x84\x00";
pub(crate) const FRAME: &[u8] = b"\x27\x01\x00\x00\x00\x00\x00\x00\x04\x41\x9a\x00\x00";

/// A running relay; it is stopped when it goes.
pub(crate) struct House {
    pub(crate) rtmp: SocketAddr,
    pub(crate) http: SocketAddr,
    commands: Option<mpsc::Sender<Command>>,
    thread: Option<JoinHandle<Result<(), StartError>>>,
}

/// Settings on free ports with an open app, changed by the test.
pub(crate) fn config(change: impl FnOnce(&mut Config, &mut App)) -> Config {
    let variables = [
        ("BONGSU_RTMP__LISTEN", "127.0.0.1:0"),
        ("BONGSU_HTTP__LISTEN", "127.0.0.1:0"),
        ("BONGSU_SERVER__WORKERS", "2"),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let environment: Environment = variables.into_iter().collect();
    let mut config = Config::load(&Sources {
        environment,
        ..Sources::default()
    })
    .unwrap();
    let mut app = App {
        publish: PublishPolicy::Open,
        ..App::default()
    };
    change(&mut config, &mut app);
    config.apps.insert("live".to_owned(), app);
    config
}

impl House {
    pub(crate) fn open(config: Config) -> Self {
        let relay = Relay::bind(config).unwrap();
        let (rtmp, http) = (relay.rtmp_addresses()[0], relay.http_addresses()[0]);
        let (sender, receiver) = mpsc::channel(4);
        let thread = std::thread::spawn(move || relay.run(receiver));
        Self {
            rtmp,
            http,
            commands: Some(sender),
            thread: Some(thread),
        }
    }

    pub(crate) fn tell(&self, command: Command) {
        self.commands
            .as_ref()
            .unwrap()
            .blocking_send(command)
            .unwrap();
    }

    /// Waits until the relay has left.
    pub(crate) fn join(mut self) {
        self.leave();
    }

    fn leave(&mut self) {
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap().unwrap();
        }
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if let Some(commands) = self.commands.take() {
            let _ = commands.blocking_send(Command::Stop);
        }
        if !std::thread::panicking() {
            self.leave();
        }
    }
}
