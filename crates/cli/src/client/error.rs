//! What a client says when something fails: one line what, one line what to do. No key is in any of them.

use std::io;
use std::time::Duration;

use bongsu_net::connect::RaceError;
use bongsu_rtmp::Text;
use bongsu_rtmp::handshake::HandshakeError;
use bongsu_rtmp::session::client::{Refusal, Step};
use bongsu_rtmp::session::{PeerMisbehaved, SessionError};

use super::Role;
use crate::failure::Failure;

/// Characters of a server's words that are shown.
const DESCRIPTION_CHARACTERS_MAX: usize = 200;

/// What the resolvers of glibc and musl say when they got no answer (`EAI_AGAIN`). They speak English here: this program
/// sets no locale.
const NO_ANSWER: [&str; 2] = ["Temporary failure in name resolution", "Try again"];

/// The name has no address.
pub(super) fn unknown_host(host: &str, error: &io::Error) -> Failure {
    let said = error.to_string();
    let host = printable(host);
    if NO_ANSWER.iter().any(|words| said.ends_with(words)) {
        return Failure::new(
            format!("cannot find the host {host}: the name server does not answer"),
            "check this machine's network and name server with `getent hosts <name>`",
        );
    }
    Failure::new(
        format!("cannot find the host {host}: the name does not exist or has no address"),
        "check the spelling, and this machine's name server with `getent hosts <name>`",
    )
}

/// The resolver still waits.
pub(super) fn slow_look_up(host: &str, timeout: Duration) -> Failure {
    Failure::new(
        format!(
            "cannot find the host {}: no answer from the name server within {}",
            printable(host),
            humantime::format_duration(timeout)
        ),
        "check this machine's network and name server with `getent hosts <name>`; --timeout waits longer",
    )
}

/// The system gives no thread.
pub(super) fn system(error: &io::Error) -> Failure {
    Failure::new(
        format!("cannot begin to connect: {error}"),
        "raise the limits of this process (`ulimit -u`)",
    )
}

/// None of the addresses answers.
pub(super) fn unreachable(error: &RaceError) -> Failure {
    Failure::new(error, error.try_hint())
}

/// The connection broke.
pub(super) fn broken(place: &str, timeout: Duration, error: &io::Error) -> Failure {
    match error.kind() {
        // A blocking write that ran into its timeout.
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Failure::new(
            format!(
                "{place} takes no data for {}",
                humantime::format_duration(timeout)
            ),
            "check the network; lower the bitrate if the line is too slow for it",
        ),
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::ConnectionAborted => Failure::new(
            format!("{place} cut the connection"),
            "look into the log of the server",
        ),
        kind => Failure::new(
            format!("the connection to {place} broke: {kind}"),
            "check the network, and try again",
        ),
    }
}

/// The server accepted the connection and says nothing, or nothing more.
pub(super) fn silent(place: &str, step: Step, role: Role, timeout: Duration) -> Failure {
    let timeout = humantime::format_duration(timeout);
    match request(step, role) {
        None => Failure::new(
            format!("{place} does not answer within {timeout}"),
            "check that an RTMP server listens on this port; --timeout waits longer",
        ),
        Some(request) => Failure::new(
            format!("{place} does not answer to {request} within {timeout}"),
            "look into the log of the server; --timeout waits longer",
        ),
    }
}

/// The server closed before the stream began. [WIRE 200]
pub(super) fn closed_early(place: &str, step: Step, role: Role) -> Failure {
    let answer = request(step, role).map_or_else(String::new, |request| {
        format!(", without an answer to {request}")
    });
    Failure::new(
        format!("{place} closed the connection before the stream began{answer}"),
        "check app, stream name and key, and look into the log of the server",
    )
}

/// The command that the server has not answered; `None` in the handshake.
const fn request(step: Step, role: Role) -> Option<&'static str> {
    match (step, role) {
        (Step::Handshaking, _) => None,
        (Step::Connecting, _) => Some("connect"),
        (Step::CreatingStream, _) => Some("createStream"),
        (_, Role::Publish) => Some("publish"),
        (_, Role::Play) => Some("play"),
    }
}

/// The server closed in the middle of a stream.
pub(super) fn closed_late(place: &str) -> Failure {
    Failure::new(
        format!("{place} closed the connection in the middle of the stream"),
        "look into the log of the server",
    )
}

/// The server said no.
pub(super) fn refused(place: &str, refusal: &Refusal) -> Failure {
    let what = format!(
        "{place} refused: {}",
        words(&refusal.code, &refusal.description)
    );
    Failure::new(what, hint(&refusal.code.to_str_lossy()))
}

/// A status code and the sentence with it, safe in a terminal.
pub(super) fn words(code: &Text, description: &Text) -> String {
    let [code, description] = [code, description].map(|text| printable(&text.to_str_lossy()));
    match (code.as_str(), description.as_str()) {
        ("", "") => "without a word".to_owned(),
        (code, "") => code.to_owned(),
        ("", description) => description.to_owned(),
        (code, description) => format!("{code}: {description}"),
    }
}

fn hint(code: &str) -> &'static str {
    match code {
        "NetStream.Publish.BadName" => "use another stream name, or stop the publisher that has it",
        "NetStream.Publish.Denied"
        | "NetStream.Publish.Rejected"
        | "NetStream.Publish.Unauthorized" => "check the stream key: .../NAME?key=KEY",
        "NetStream.Play.StreamNotFound" => "check the stream name; start the publisher first",
        "NetConnection.Connect.InvalidApp" | "NetConnection.Connect.Rejected" => {
            "check the app, the part of the URL behind the host"
        }
        _ => "check app, stream name and key",
    }
}

/// The other side is no RTMP server, or a broken one.
pub(super) fn wrong(place: &str, error: &SessionError) -> Failure {
    match error {
        SessionError::PeerMisbehaved(PeerMisbehaved::Handshake(HandshakeError::NotRtmp(
            foreign,
        ))) => Failure::new(
            format!("{place} does not speak RTMP: {foreign}"),
            "correct the port; that of RTMP is 1935",
        ),
        other => Failure::new(
            format!("{place} broke the protocol: {other}"),
            "check that it is an RTMP server, and that nothing in between changes the bytes",
        ),
    }
}

/// Words of a stranger that are safe in a terminal.
fn printable(text: &str) -> String {
    let characters = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let short: String = characters.take(DESCRIPTION_CHARACTERS_MAX).collect();
    short.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_server_that_is_down_is_not_a_name_that_does_not_exist() {
        for (said, reason, hint) in [
            (
                "failed to lookup address information: Temporary failure in name resolution",
                "the name server does not answer",
                "check this machine's network and name server with `getent hosts <name>`",
            ),
            (
                "failed to lookup address information: Name or service not known",
                "the name does not exist or has no address",
                "check the spelling, and this machine's name server with `getent hosts <name>`",
            ),
        ] {
            assert_eq!(
                unknown_host("h", &io::Error::other(said)).to_string(),
                format!("error: cannot find the host h: {reason}\n  try:  {hint}")
            );
        }
    }
}
