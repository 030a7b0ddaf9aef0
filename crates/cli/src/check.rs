//! `bongsu check`: says whether a configuration is right, and what it amounts to.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;

use bongsu_server::config::{App, Config, Environment, ListenAddr, PublishPolicy, Sources};

use crate::args;
use crate::failure::Failure;

pub(crate) fn run(settings: &args::Check) -> Result<ExitCode, Failure> {
    let config = Config::load(&Sources {
        file: settings.config.clone(),
        environment: Environment::of_process(),
        flags: Vec::new(),
    })?;
    for warning in &config.warnings {
        let _ = writeln!(std::io::stderr(), "{}", warning.titled("warning"));
    }
    let source = settings
        .config
        .as_ref()
        .map_or_else(|| "defaults".to_owned(), |file| file.display().to_string());
    let _ = write!(std::io::stdout(), "ok: {source}\n{}", summary(&config));
    Ok(ExitCode::SUCCESS)
}

/// A few lines for a person who wants to see that the file means what they mean.
fn summary(config: &Config) -> String {
    let mut text = String::new();
    let mut line = |title: &str, value: String| {
        let _ = writeln!(text, "  {title:<14}{value}");
    };
    line("rtmp", addresses(&config.rtmp.listen));
    line("http", addresses(&config.http.listen));
    for (name, app) in &config.apps {
        line(&format!("app {name}"), describe(app));
        for push in &app.push {
            line(&format!("  push {}", push.name), push.url.to_string());
        }
    }
    text
}

fn addresses(listen: &[ListenAddr]) -> String {
    if listen.is_empty() {
        return "off".to_owned();
    }
    let texts: Vec<String> = listen.iter().map(ToString::to_string).collect();
    texts.join(", ")
}

fn describe(app: &App) -> String {
    let publishers = match app.publish {
        PublishPolicy::Open => "everybody may publish".to_owned(),
        PublishPolicy::Key if app.needs_first_key() => {
            "publishing needs the key of the first start".to_owned()
        }
        PublishPolicy::Key => format!("publishing needs one of {} keys", app.keys.len()),
    };
    format!(
        "{publishers}, hold {}",
        humantime::format_duration(app.hold)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_shows_what_counts_and_no_secret() {
        let variables = [
            (
                "BONGSU_APPS__LIVE__PUSH",
                "[{name = \"a\", url = \"rtmp://h/a/canary/{name}\"}]",
            ),
            (
                "BONGSU_APPS__LIVE__KEYS",
                "[{name = \"cam\", key = \"canary-0123456789\"}]",
            ),
            ("BONGSU_APPS__LAB__PUBLISH", "open"),
            ("BONGSU_APPS__X__HOLD", "0s"),
            ("BONGSU_HTTP__LISTEN", "[]"),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let config = Config::load(&Sources {
            environment: variables.into_iter().collect(),
            ..Sources::default()
        })
        .unwrap();
        assert_eq!(
            summary(&config),
            "  rtmp          [::]:1935
  http          off
  app lab       everybody may publish, hold 15s
  app live      publishing needs one of 1 keys, hold 15s
    push a      rtmp://h/a/***/{name}
  app x         publishing needs the key of the first start, hold 0s
"
        );
    }
}
