//! `bongsu publish`: sends an FLV file in real time.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use bongsu_flv::tag::Tag;

use crate::args;
use crate::client::{Client, Happening, Role, parse_url};
use crate::failure::{CODE_INTERRUPTED, Failure};
use crate::input::Input;
use crate::interrupt;
use crate::pace::Pace;
use crate::progress::Progress;

pub(crate) fn run(settings: &args::Publish) -> Result<ExitCode, Failure> {
    let url = parse_url(&settings.url)?;
    let mut input = Input::open(&settings.file)?;
    if settings.count > 1 && !input.can_rewind() {
        return Err(Failure::new(
            "standard input can be sent once only",
            "leave --loop out, or name a file",
        ));
    }
    interrupt::watch()?;
    let length = input.length().map(|length| length * settings.count);
    let options = &settings.client;
    let progress = Progress::new("publish", length, options.quiet, options.verbose);
    let mut publisher = Publisher {
        client: Client::open(&url, Role::Publish, options, &progress)?,
        pace: Pace::default(),
        progress,
        bytes: 0,
        sent: Duration::ZERO,
    };
    let end = publisher.send_rounds(&mut input, settings.count);
    publisher.progress.finish();
    let end = end?;
    publisher.client.stop();
    Ok(match end {
        End::Sent => ExitCode::SUCCESS,
        End::Interrupted => ExitCode::from(CODE_INTERRUPTED),
    })
}

struct Publisher {
    client: Client,
    pace: Pace,
    progress: Progress,
    bytes: u64,
    /// Stream time of what is sent.
    sent: Duration,
}

enum End {
    Sent,
    Interrupted,
}

impl Publisher {
    fn send_rounds(&mut self, input: &mut Input, rounds: u32) -> Result<End, Failure> {
        for round in 0..rounds {
            if round > 0 {
                input.rewind()?;
                self.pace.next_round();
            }
            while let Some(tag) = input.next_tag()? {
                if let End::Interrupted = self.send(&tag)? {
                    return Ok(End::Interrupted);
                }
            }
        }
        Ok(End::Sent)
    }

    /// Waits until a frame is due, and sends it.
    fn send(&mut self, tag: &Tag) -> Result<End, Failure> {
        // A tag type that RTMP has no message for stays behind.
        let Some(kind) = tag.kind else {
            return Ok(End::Sent);
        };
        let place = self.pace.place(Instant::now(), tag.timestamp);
        loop {
            match self.client.next(place.due)? {
                Happening::Due => break,
                Happening::Interrupted => return Ok(End::Interrupted),
                Happening::Media { .. } => {}
                Happening::Ended { why, .. } => return Err(ended(self.sent, &why)),
            }
        }
        self.client.send(kind, place.timestamp_ms, &tag.payload)?;
        self.bytes += tag.payload.len() as u64;
        self.sent = place.elapsed;
        self.progress.at(self.sent, self.bytes);
        Ok(End::Sent)
    }
}

fn ended(sent: Duration, why: &str) -> Failure {
    Failure::new(
        format!(
            "the server ended the stream after {:.1} s: {why}",
            sent.as_secs_f64()
        ),
        "look into the log of the server; another publisher of the name may have taken over",
    )
}
