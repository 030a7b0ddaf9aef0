//! The command line.
#![allow(
    rustdoc::broken_intra_doc_links,
    reason = "these comments are the text of --help, where sections have their brackets"
)]

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use bongsu_server::config::{Environment, Flag, FlagValue, Sources};

/// How keys stay out of the list of processes.
const SECRETS: &str = "\
Other users of this machine can read a command line (ps). A key in the URL need not stand there:
  {env:NAME}   is replaced with the value of a variable
  {file:PATH}  is replaced with the content of a file
as in 'rtmp://host/live/cam?key={file:/etc/bongsu/cam.key}'";

/// How the exit codes are told in `--help`.
const EXIT_CODES: &str = "\
Exit codes:
  0    all went well
  1    something failed; one line says what, one what to do
  2    wrong usage
  3    probe: the stream plays, and has problems; bench: connections or frames were lost
  130  publish, play: ended early by a signal";

/// An RTMP relay: publish once, and the stream reaches every destination and every viewer, and stays there.
///
/// Without a command it serves.
#[derive(Debug, Parser)]
#[command(version, after_help = EXIT_CODES, args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Serve,
}

impl Arguments {
    /// The command that was given, or `serve`.
    pub(crate) fn into_command(self) -> Command {
        self.command.unwrap_or(Command::Serve(self.serve))
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the relay
    Serve(Serve),
    /// Say whether a configuration is right
    Check(Check),
    /// Publish an FLV file, in real time
    Publish(Publish),
    /// Play a stream into an FLV file
    Play(Play),
    /// Say what a stream consists of, and what is wrong with it
    Probe(Probe),
    /// Put load on an RTMP server and measure it
    #[command(subcommand)]
    Bench(crate::bench::Bench),
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The configuration file; without one there are safe defaults
    #[arg(short, long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Address for RTMP, in place of [rtmp] listen; can be repeated
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Vec<String>,
    /// Address for HTTP, in place of [http] listen; can be repeated
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) http: Vec<String>,
    /// Directory for state, in place of [server] data_dir
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) data_dir: Option<String>,
    /// error, warn, info, debug or trace, in place of [log] level
    #[arg(long, value_name = "LEVEL")]
    pub(crate) log_level: Option<String>,
    /// text or json, in place of [log] format
    #[arg(long, value_name = "FORMAT")]
    pub(crate) log_format: Option<String>,
}

impl Serve {
    /// Where the configuration comes from: file, environment and these flags.
    pub(crate) fn sources(&self, environment: Environment) -> Sources {
        let text = |flag, path, value: &Option<String>| {
            let value = FlagValue::Text(value.clone()?);
            Some(Flag { flag, path, value })
        };
        let list = |flag, path, values: &Vec<String>| {
            let value = FlagValue::List(values.clone());
            (!values.is_empty()).then_some(Flag { flag, path, value })
        };
        let flags = [
            list("--listen", &["rtmp", "listen"] as &[_], &self.listen),
            list("--http", &["http", "listen"], &self.http),
            text("--data-dir", &["server", "data_dir"], &self.data_dir),
            text("--log-level", &["log", "level"], &self.log_level),
            text("--log-format", &["log", "format"], &self.log_format),
        ];
        Sources {
            file: self.config.clone(),
            environment,
            flags: flags.into_iter().flatten().collect(),
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The configuration file; without one the environment alone is checked
    #[arg(short, long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = SECRETS)]
pub(crate) struct Publish {
    /// The FLV file; - is standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Where to, as in rtmp://host/live/cam?key=...
    #[arg(value_name = "URL")]
    pub(crate) url: String,
    /// Send the file so many times in a row
    #[arg(long = "loop", value_name = "COUNT", default_value_t = 1,
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) count: u32,
    #[command(flatten)]
    pub(crate) client: Client,
}

#[derive(Debug, Args)]
#[command(after_help = SECRETS)]
pub(crate) struct Play {
    /// What to play, as in rtmp://host/live/cam
    #[arg(value_name = "URL")]
    pub(crate) url: String,
    /// The FLV file to write; - is standard output
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Stop after so much time of the stream, as in 10s
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) duration: Option<Duration>,
    /// Replace the file when it exists
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) client: Client,
}

#[derive(Debug, Args)]
#[command(after_help = SECRETS)]
pub(crate) struct Probe {
    /// What to look into, as in rtmp://host/live/cam
    #[arg(value_name = "URL")]
    pub(crate) url: String,
    /// How long to watch, 1s to 10m
    #[arg(long, value_name = "TIME", default_value = "8s", value_parser = probe_duration)]
    pub(crate) duration: Duration,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) client: Client,
}

/// What all clients take.
#[derive(Debug, Args)]
pub(crate) struct Client {
    /// Give up when the server does not answer within this time
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = timeout)]
    pub(crate) timeout: Duration,
    /// Say each step
    #[arg(short, long)]
    pub(crate) verbose: bool,
    /// Show no progress
    #[arg(short, long, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
}

fn timeout(text: &str) -> Result<Duration, String> {
    within(text, Duration::from_millis(100), Duration::from_secs(600))
}

fn probe_duration(text: &str) -> Result<Duration, String> {
    within(text, Duration::from_secs(1), Duration::from_secs(600))
}

pub(crate) fn within(text: &str, min: Duration, max: Duration) -> Result<Duration, String> {
    let value = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if (min..=max).contains(&value) {
        return Ok(value);
    }
    Err(format!("use a value from {min:?} to {max:?}"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn no_command_serves() {
        let parse =
            |arguments: &[&str]| Arguments::try_parse_from(arguments).unwrap().into_command();
        assert!(matches!(parse(&["bongsu"]), Command::Serve(_)));
        let Command::Serve(serve) = parse(&["bongsu", "--config", "f"]) else {
            panic!("serves");
        };
        assert_eq!(serve.config, Some("f".into()));
    }

    #[test]
    fn flags_become_settings() {
        let arguments = [
            "bongsu",
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--log-level",
            "debug",
        ];
        let Command::Serve(serve) = Arguments::try_parse_from(arguments).unwrap().into_command()
        else {
            panic!("serves");
        };
        let config =
            bongsu_server::config::Config::load(&serve.sources(Environment::default())).unwrap();
        assert_eq!(config.rtmp.listen[0].to_string(), "127.0.0.1:0");
        assert_eq!(config.log.level.as_str(), "debug");
    }
}
