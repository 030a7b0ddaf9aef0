//! Everybody who publishes.

use std::path::PathBuf;
use std::time::Duration;

use bongsu_testkit::clients::{self, Sink};
use bongsu_testkit::compare::{Packet, read_flv};
use bongsu_testkit::{Bongsu, Fixture, Nginx, Process, RunDir, Tool};

/// How much longer than its media a publisher may take.
const SLACK: Duration = Duration::from_secs(30);

/// A program that publishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Publisher {
    /// The ffmpeg of the distribution.
    DebianFfmpeg,
    /// The ffmpeg of the wheel.
    WheelFfmpeg,
    /// librtmp, in GStreamer's `rtmpsink`.
    Librtmp,
    /// GStreamer's `rtmp2sink`.
    Rtmp2Sink,
    /// nginx-rtmp, which pushes what an ffmpeg publishes to it.
    NginxPush,
    /// `bongsu publish`.
    Bongsu,
}

impl Publisher {
    /// Its name in tables.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::DebianFfmpeg => "ffmpeg (Debian)",
            Self::WheelFfmpeg => "ffmpeg (wheel)",
            Self::Librtmp => "librtmp (GStreamer rtmpsink)",
            Self::Rtmp2Sink => "GStreamer rtmp2sink",
            Self::NginxPush => "nginx-rtmp push",
            Self::Bongsu => "bongsu publish",
        }
    }

    /// Its name in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DebianFfmpeg => "ffmpeg-debian",
            Self::WheelFfmpeg => "ffmpeg-wheel",
            Self::Librtmp => "librtmp",
            Self::Rtmp2Sink => "rtmp2sink",
            Self::NginxPush => "nginx-push",
            Self::Bongsu => "bongsu-publish",
        }
    }
}

/// A publisher that runs.
#[derive(Debug)]
pub struct Publishing {
    process: Process,
    reference: PathBuf,
    limit: Duration,
    // An nginx that publishes for the process; it ends after it.
    _between: Option<Nginx>,
}

impl Publishing {
    /// Publishes a fixture, once, in real time, to a stream of application `live` at `relay` (`host:port`).
    #[must_use]
    pub fn start(
        publisher: Publisher,
        fixture: Fixture,
        dir: &RunDir,
        relay: &str,
        stream: &str,
    ) -> Self {
        let url = format!("rtmp://{relay}/live/{stream}");
        let reference = dir.join("sent.flv");
        let mut between = None;
        let mut command = match publisher {
            Publisher::DebianFfmpeg => {
                clients::ffmpeg_publish(Tool::DebianFfmpeg, fixture, &url, &reference)
            }
            Publisher::WheelFfmpeg => {
                clients::ffmpeg_publish(Tool::WheelFfmpeg, fixture, &url, &reference)
            }
            Publisher::Librtmp => {
                clients::gstreamer_publish(Sink::Librtmp, fixture, &url, &reference)
            }
            Publisher::Rtmp2Sink => {
                clients::gstreamer_publish(Sink::Rtmp2, fixture, &url, &reference)
            }
            Publisher::NginxPush => {
                let nginx = Nginx::pushing(dir, "nginx-source", &format!("{relay}/live"));
                let url = nginx.url(stream);
                between = Some(nginx);
                clients::ffmpeg_publish(Tool::DebianFfmpeg, fixture, &url, &reference)
            }
            Publisher::Bongsu => clients::bongsu_publish(&Bongsu::binary(), fixture, &url),
        };
        let reference = if publisher == Publisher::Bongsu {
            fixture.path()
        } else {
            reference
        };
        Self {
            process: Process::start("publisher", dir.path(), &mut command),
            reference,
            limit: Duration::from_secs(fixture.seconds().into()) + SLACK,
            _between: between,
        }
    }

    /// The process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Waits until all is published and gives what was sent.
    ///
    /// # Panics
    ///
    /// When the publisher fails.
    #[must_use]
    pub fn finish(&mut self) -> Vec<Packet> {
        self.process.wait_for_success(self.limit);
        self.sent()
    }

    /// What was sent so far, by the publisher's own record.
    #[must_use]
    pub fn sent(&self) -> Vec<Packet> {
        read_flv(&self.reference)
    }
}
