//! Log lines on stderr: for people or for machines.

use std::io::{self, IsTerminal};

use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::config::{Log, LogFormat};

/// Starts logging to stderr. A process that has a subscriber already keeps it.
pub fn init(log: &Log) {
    let colours = io::stderr().is_terminal();
    // Only a second start in one process fails, and then lines go where the first one said.
    let _ = tracing::subscriber::set_global_default(subscriber(log, colours, io::stderr));
}

/// What writes the lines that `log` asks for.
fn subscriber<W>(log: &Log, colours: bool, writer: W) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter(log))
        .with_writer(writer)
        .with_ansi(colours);
    match log.format {
        LogFormat::Text => Box::new(lines.with_target(false).compact().finish()),
        LogFormat::Json => Box::new(
            lines
                .json()
                .flatten_event(true)
                .with_current_span(false)
                .finish(),
        ),
    }
}

/// The filter was checked when the configuration was read; one that is not valid gives way to the level.
fn filter(log: &Log) -> EnvFilter {
    log.filter
        .as_deref()
        .and_then(|directives| EnvFilter::try_new(directives).ok())
        .unwrap_or_else(|| EnvFilter::new(log.level.as_str()))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::config::LogLevel;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn written(log: &Log, act: impl FnOnce()) -> String {
        let lines = Written::default();
        let writer = lines.clone();
        let subscriber = subscriber(log, false, move || writer.clone());
        tracing::subscriber::with_default(subscriber, act);
        let bytes = lines.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    fn act() {
        tracing::info_span!("conn", connection = 7).in_scope(|| {
            tracing::info!(stream = "live/cam", "publishing");
        });
        tracing::debug!("a command");
    }

    #[test]
    fn text_has_level_message_fields_and_no_colours() {
        let text = written(&Log::default(), act);
        assert_eq!(text.lines().count(), 1, "{text}");
        for part in [
            " INFO ",
            "publishing",
            "stream=\"live/cam\"",
            "connection=7",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(!text.contains('\x1b'), "{text:?}");
        assert!(!text.contains("bongsu_server"), "{text}");
    }

    #[test]
    fn json_is_one_object_per_line() {
        let log = Log {
            format: LogFormat::Json,
            ..Log::default()
        };
        let text = written(&log, act);
        let line: serde_json::Value = serde_json::from_str(text.trim_end()).unwrap();
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["message"], "publishing");
        assert_eq!(line["stream"], "live/cam");
        assert_eq!(line["spans"][0]["connection"], 7);
        assert!(line["timestamp"].is_string());
    }

    #[test]
    fn the_level_holds_and_a_filter_stands_in_for_it() {
        let debug = Log {
            level: LogLevel::Debug,
            ..Log::default()
        };
        assert_eq!(written(&debug, act).lines().count(), 2);
        let quiet = Log {
            filter: Some("bongsu_server=error".to_owned()),
            ..debug
        };
        assert_eq!(written(&quiet, act), "");
    }

    #[test]
    fn text_of_a_peer_cannot_make_a_line_or_an_escape_sequence() {
        let evil = "cam\n2030-01-01 ERROR \x1b[31mred";
        for format in [LogFormat::Text, LogFormat::Json] {
            let log = Log {
                format,
                ..Log::default()
            };
            let text = written(&log, || tracing::info!(stream = evil, other = ?evil, "x"));
            assert_eq!(text.lines().count(), 1, "{text}");
            assert!(!text.contains('\x1b'), "{text:?}");
        }
    }
}
