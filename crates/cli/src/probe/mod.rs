//! `bongsu probe`: plays a stream for some seconds and says what it consists of and what is wrong with it.

mod analysis;
mod metadata;
mod problem;
mod report;

use std::io::Write;
use std::process::ExitCode;
use std::time::Instant;

use crate::args;
use crate::client::{Client, Happening, Role, parse_url};
use crate::failure::{CODE_FAILED, CODE_PROBLEMS, Failure};
use crate::interrupt;
use crate::progress::Progress;

use analysis::Analysis;
use report::{Report, Times, Verdict, millis};

pub(crate) fn run(settings: &args::Probe) -> Result<ExitCode, Failure> {
    let url = parse_url(&settings.url)?;
    interrupt::watch()?;
    let options = &settings.client;
    let progress = Progress::new(
        "probe",
        Some(settings.duration),
        options.quiet,
        options.verbose,
    );
    let began = Instant::now();
    let mut client = Client::open(&url, Role::Play, options, &progress)?;
    let times = Times {
        connected_ms: Some(millis(client.connected_at().duration_since(began))),
        play_accepted_ms: Some(millis(began.elapsed())),
        ..Times::default()
    };
    let watched = watch(&mut client, settings, began, &progress);
    progress.finish();
    let analysis = watched?;
    client.stop();

    let report = Report::new(url.to_string(), times, &analysis);
    let text = if settings.json {
        let json = serde_json::to_string_pretty(&report);
        format!("{}\n", json.unwrap_or_default())
    } else {
        report.text()
    };
    // A reader that went away has seen enough.
    let _ = std::io::stdout().write_all(text.as_bytes());
    Ok(match report.verdict {
        Verdict::Good => ExitCode::SUCCESS,
        Verdict::Problems => ExitCode::from(CODE_PROBLEMS),
        Verdict::NoMedia => ExitCode::from(CODE_FAILED),
    })
}

/// Watches until the time is over, the stream ends, or the user has seen enough.
fn watch(
    client: &mut Client,
    settings: &args::Probe,
    began: Instant,
    progress: &Progress,
) -> Result<Analysis, Failure> {
    let mut analysis = Analysis::default();
    let from = Instant::now();
    let mut bytes = 0;
    loop {
        match client.next(from + settings.duration)? {
            Happening::Media {
                kind,
                timestamp_ms,
                payload,
            } => {
                analysis.on_media(began.elapsed(), kind, timestamp_ms, &payload);
                bytes += payload.len() as u64;
                progress.at(from.elapsed(), bytes);
            }
            Happening::Due | Happening::Interrupted | Happening::Ended { .. } => {
                return Ok(analysis);
            }
        }
    }
}
