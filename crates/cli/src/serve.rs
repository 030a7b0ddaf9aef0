//! `bongsu serve`: reads the configuration, prints what to paste, and runs the relay.

use std::io::{IsTerminal, Write};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::process::ExitCode;

use bongsu_server::config::first_key::FirstKey;
use bongsu_server::config::{ANY_APP, Config, DEFAULT_APP, Environment, PublishPolicy};
use bongsu_server::{Command, Relay, telemetry};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use crate::args;
use crate::failure::Failure;
use crate::paste::{self, Facts, Publishing};

/// Signals that wait to be acted on. Why: the first two decide everything.
const SIGNALS_MAX: usize = 4;

pub(crate) fn run(settings: &args::Serve) -> Result<ExitCode, Failure> {
    let environment = Environment::of_process();
    let config = Config::load(&settings.sources(environment.clone()))?;
    telemetry::log::init(&config.log);
    for warning in &config.warnings {
        let _ = writeln!(std::io::stderr(), "{}", warning.titled("warning"));
    }
    let mut relay = Relay::bind(config).map_err(|error| Failure::whole(&error))?;
    let commands = commands_from_signals()?;
    // Last of all that can fail: a key that was made and not printed would be hard to find.
    let first = relay
        .ensure_first_key(&environment)
        .map_err(|error| Failure::new(&error, error.hint()))?;
    let announcement = Announcement::new(relay.config(), first.as_ref());
    announcement.print(relay.rtmp_addresses(), relay.http_addresses());
    relay
        .run(commands)
        .map_err(|error| Failure::whole(&error))?;
    Ok(ExitCode::SUCCESS)
}

/// Turns SIGINT and SIGTERM into commands: SIGINT ends everything in order, SIGTERM drains, and a second signal leaves
/// at once.
fn commands_from_signals() -> Result<mpsc::Receiver<Command>, Failure> {
    let cannot = |error| {
        let what = format!("cannot watch for signals: {error}");
        Failure::new(what, "raise the limit of open files (`ulimit -n`)")
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(cannot)?;
    let (mut interrupt, mut terminate) = {
        let _inside = runtime.enter();
        let interrupt = signal(SignalKind::interrupt()).map_err(cannot)?;
        (interrupt, signal(SignalKind::terminate()).map_err(cannot)?)
    };
    let (sender, commands) = mpsc::channel(SIGNALS_MAX);
    // It lives as long as the process does, and holds nothing that must be put away.
    std::thread::spawn(move || {
        runtime.block_on(async {
            let mut first = true;
            loop {
                let command = tokio::select! {
                    _ = interrupt.recv() => Command::Stop,
                    _ = terminate.recv() => Command::Drain,
                };
                let command = if std::mem::take(&mut first) {
                    command
                } else {
                    Command::Exit
                };
                // A full queue holds what matters already.
                let _ = sender.try_send(command);
            }
        });
    });
    Ok(commands)
}

/// What is printed once the listeners are there.
struct Announcement {
    app: String,
    publish: Publishing,
}

impl Announcement {
    fn new(config: &Config, first: Option<&FirstKey>) -> Self {
        Self {
            app: sample_app(config).to_owned(),
            publish: publishing(config, first),
        }
    }

    /// Prints the texts for the addresses that are bound.
    fn print(self, rtmp: Vec<SocketAddr>, http: Vec<SocketAddr>) {
        let text = paste::text(&Facts {
            rtmp,
            http,
            lan: lan_address(),
            app: self.app,
            publish: self.publish,
        });
        // Nobody may be reading; the relay runs all the same.
        let _ = std::io::stdout().write_all(text.as_bytes());
    }
}

/// The app of the texts: `live` where there is one.
fn sample_app(config: &Config) -> &str {
    if config.app(DEFAULT_APP).is_some() {
        return DEFAULT_APP;
    }
    let named = config.apps.keys().find(|name| *name != ANY_APP);
    named.map_or(DEFAULT_APP, String::as_str)
}

fn publishing(config: &Config, first: Option<&FirstKey>) -> Publishing {
    let Some(app) = config.app(sample_app(config)) else {
        return Publishing::Open;
    };
    if app.publish == PublishPolicy::Open {
        return Publishing::Open;
    }
    let key = app.keys.first();
    match first.filter(|first| key.is_some_and(|key| key.key == first.key)) {
        Some(first) => Publishing::First {
            // Logs of services must not fill with keys: once, or to a person.
            key: (first.new || std::io::stdout().is_terminal())
                .then(|| first.key.expose().to_owned()),
            file: first.file.clone(),
            new: first.new,
        },
        None => Publishing::Listed {
            name: key.and_then(|key| key.name.clone()),
        },
    }
}

/// The address of this machine on the way to others. Connecting a UDP socket sends nothing.
fn lan_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    // An address of the documentation range (RFC 5737): only the routing table is asked.
    socket.connect("192.0.2.1:9").ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback() && !address.is_unspecified()).then_some(address)
}
