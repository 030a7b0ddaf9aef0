//! The command lines of real publishers and players, as they work without a screen.

use std::path::Path;
use std::process::Command;

use crate::media::Fixture;
use crate::tool::Tool;

/// ffmpeg publishes a file in real time, and writes beside it, from the same packets, what it sends: the reference.
#[must_use]
pub fn ffmpeg_publish(tool: Tool, fixture: Fixture, url: &str, reference: &Path) -> Command {
    let mut command = tool.command();
    command
        .args("-hide_banner -loglevel warning -y -re -i".split(' '))
        .arg(fixture.path())
        .args("-map 0 -c copy -f flv -flvflags no_duration_filesize".split(' '))
        .arg(reference)
        .args("-map 0 -c copy -f flv".split(' '))
        .arg(url);
    command
}

/// The GStreamer element that publishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sink {
    /// `rtmp2sink`: GStreamer's own RTMP.
    Rtmp2,
    /// `rtmpsink`: librtmp.
    Librtmp,
}

/// GStreamer publishes a file in real time, and writes the same bytes to a file: the reference.
#[must_use]
pub fn gstreamer_publish(sink: Sink, fixture: Fixture, url: &str, reference: &Path) -> Command {
    let element = match sink {
        Sink::Rtmp2 => format!("rtmp2sink sync=true location={url}"),
        Sink::Librtmp => format!("rtmpsink sync=true location=\"{url} live=1\""),
    };
    let pipeline = format!(
        "filesrc location={} ! flvdemux name=demux  flvmux name=mux streamable=true ! tee name=both \
         both. ! queue ! {element} \
         both. ! queue ! filesink location={} \
         demux.video ! queue ! h264parse ! mux. \
         demux.audio ! queue ! aacparse ! mux.",
        fixture.path().display(),
        reference.display()
    );
    gst_launch(&pipeline)
}

/// `bongsu publish`.
#[must_use]
pub fn bongsu_publish(binary: &Path, fixture: Fixture, url: &str) -> Command {
    let mut command = Command::new(binary);
    command.arg("publish").arg(fixture.path()).arg(url);
    command
}

/// ffmpeg plays to a file.
#[must_use]
pub fn ffmpeg_play(tool: Tool, url: &str, file: &Path) -> Command {
    let mut command = tool.command();
    command
        .args("-hide_banner -loglevel warning -y -i".split(' '))
        .arg(url)
        .args("-map 0 -c copy -f flv -flvflags no_duration_filesize".split(' '))
        .arg(file);
    command
}

/// rtmpdump plays to a file.
#[must_use]
pub fn rtmpdump_play(url: &str, file: &Path) -> Command {
    let mut command = Tool::Rtmpdump.command();
    command.args(["--live", "--rtmp", url, "--flv"]).arg(file);
    command
}

/// GStreamer plays to a file: `rtmp2src` hands out the messages as FLV tags.
#[must_use]
pub fn gstreamer_play(url: &str, file: &Path) -> Command {
    gst_launch(&format!(
        "rtmp2src location={url} ! filesink location={}",
        file.display()
    ))
}

/// `bongsu play`.
#[must_use]
pub fn bongsu_play(binary: &Path, url: &str, file: &Path) -> Command {
    let mut command = Command::new(binary);
    command.arg("play").arg(url).arg(file);
    command
}

/// A pipeline in GStreamer's own words. Quotes keep a value with spaces together.
fn gst_launch(pipeline: &str) -> Command {
    let mut command = Tool::GstLaunch.command();
    command.arg("--eos-on-shutdown");
    let mut word = String::new();
    let mut quoted = false;
    for c in pipeline.chars().chain([' ']) {
        match c {
            '"' => quoted = !quoted,
            ' ' if !quoted => {
                if !word.is_empty() {
                    command.arg(std::mem::take(&mut word));
                }
            }
            other => word.push(other),
        }
    }
    command
}
