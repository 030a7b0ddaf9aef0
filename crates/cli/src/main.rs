//! `bongsu`: an RTMP relay, and tools to publish, play and look into RTMP streams.
//!
//! The exit code is 0 when all went well, 1 when something failed, 2 for wrong usage, 3 when `probe` found problems
//! in a stream that plays or `bench` saw frames or connections lost, 130 when a signal ended `publish` or `play` early.

mod args;
mod bench;
mod check;
mod client;
mod failure;
mod input;
mod interrupt;
mod pace;
mod paste;
mod play;
mod probe;
mod progress;
mod publish;
mod serve;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let arguments = args::Arguments::parse();
    let done = match arguments.into_command() {
        args::Command::Serve(settings) => serve::run(&settings),
        args::Command::Check(settings) => check::run(&settings),
        args::Command::Publish(settings) => publish::run(&settings),
        args::Command::Play(settings) => play::run(&settings),
        args::Command::Probe(settings) => probe::run(&settings),
        args::Command::Bench(bench) => bench::run(&bench),
    };
    done.unwrap_or_else(|failure| failure.print())
}
