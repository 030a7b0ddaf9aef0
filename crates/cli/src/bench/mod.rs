//! `bongsu bench`: load for any RTMP server, and what comes of it.

mod args;
mod load;
mod media;
mod process;
mod report;
mod run;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use bongsu_rtmp::session::client::Role;

pub(crate) use args::Bench;

use self::load::Job;
use self::media::Shape;
use self::run::{Run, Target};
use crate::failure::{CODE_PROBLEMS, Failure};

pub(crate) fn run(bench: &Bench) -> Result<ExitCode, Failure> {
    let is_well = match bench {
        Bench::Players(settings) => players(settings),
        Bench::Publish(settings) => publish(settings),
        Bench::Latency(settings) => latency(settings),
        Bench::Storm(settings) => storm(settings),
    }?;
    Ok(if is_well {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(CODE_PROBLEMS)
    })
}

fn players(settings: &args::Players) -> Result<bool, Failure> {
    let target = Target::new(&settings.url, settings.streams.get())?;
    let mut run = Run::new("players", target, settings.read_every, &settings.common)?;
    // Spread over all of them, so that the first and the last to join are among them.
    let every = (settings.count / settings.inspect.max(1)).max(1);
    let job = |index: u32| {
        let inspects = index.is_multiple_of(every) && index / every < settings.inspect;
        if inspects { Job::Read } else { Job::Count }
    };
    run.ramp_up(settings.count, settings.ramp, Role::Play, job)?;
    run.run_until(Instant::now() + settings.warm_up)?;
    measure(run, settings.count, settings.duration)
}

fn latency(settings: &args::Latency) -> Result<bool, Failure> {
    let target = Target::new(&settings.url, 1)?;
    let mut run = Run::new("latency", target, None, &settings.common)?;
    run.ramp_up(settings.count, settings.ramp, Role::Play, |_| Job::Read)?;
    measure(run, settings.count, settings.duration)
}

/// Forgets what was before, waits, and reports.
fn measure(mut run: Run<'_>, count: u32, duration: Duration) -> Result<bool, Failure> {
    run.load.restart();
    run.latencies = report::Latencies::new();
    run.mark()?;
    run.run_until(Instant::now() + duration)?;
    let report = run.report(count)?;
    run.finish(&report)
}

fn publish(settings: &args::Publish) -> Result<bool, Failure> {
    let bits = |kilobits: u32| u64::from(kilobits) * 1_000;
    let shape = Shape {
        frame_rate: settings.frame_rate,
        gop: settings.gop,
        video_bitrate: bits(settings.video_bitrate),
        audio_bitrate: bits(settings.audio_bitrate),
    };
    let target = Target::new(&settings.url, settings.count)?;
    let mut run = Run::new("publish", target, None, &settings.common)?;
    let job = |_| Job::Publish(shape);
    run.ramp_up(settings.count, settings.ramp, Role::Publish, job)?;
    run.load.restart();
    run.mark()?;
    run.run_until(Instant::now() + settings.duration)?;
    let report = run.report(settings.count)?;
    run.finish(&report)
}

#[allow(clippy::cast_precision_loss)] // a million connections fit
fn storm(settings: &args::Storm) -> Result<bool, Failure> {
    let target = Target::new(&settings.url, 1)?;
    let mut run = Run::new("storm", target, None, &settings.common)?;
    run.mark()?;
    let began = Instant::now();
    let mut opened = 0;
    while run.settled() < u64::from(settings.count) {
        while opened < settings.count
            && u64::from(opened) < run.settled() + u64::from(settings.at_once)
        {
            run.open(opened, Role::Play, Job::Count);
            opened += 1;
        }
        if began.elapsed()
            > settings.common.timeout + Duration::from_secs(u64::from(settings.count) / 100)
        {
            break;
        }
        run.step()?;
    }
    let seconds = began.elapsed().as_secs_f64();
    let mut report = run.report(settings.count)?;
    report.accepted_per_second = Some(report.accepted as f64 / seconds);
    run.finish(&report)
}
