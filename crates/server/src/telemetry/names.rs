//! The name of every metric. The line above a name is also its `# HELP` text.
//!
//! The name of a counter is written without `_total`, which the encoder adds. No metric has a label per stream, per
//! destination or per address: a scrape stays small whatever strangers do.

/// Name and meaning of a metric.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Name {
    pub(crate) name: &'static str,
    help: &'static str,
}

impl Name {
    /// The sentence for `# HELP`, without the full stop that the encoder adds.
    pub(crate) fn help(self) -> &'static str {
        self.help.trim().trim_end_matches('.')
    }
}

macro_rules! names {
    ($(#[doc = $help:literal] $constant:ident = $name:literal;)+) => {
        $(
            #[doc = $help]
            pub(crate) const $constant: Name = Name { name: $name, help: $help };
        )+

        #[cfg(test)]
        pub(crate) const ALL: &[Name] = &[$($constant),+];
    };
}

names! {
    /// Version of the program; always 1.
    BUILD_INFO = "bongsu_build_info";
    /// 1 while no new connections are taken.
    DRAINING = "bongsu_draining";

    /// RTMP connections that are open now, outgoing ones not counted.
    CONNECTIONS = "bongsu_connections";
    /// RTMP connections that were accepted.
    CONNECTIONS_ACCEPTED = "bongsu_connections_accepted";
    /// RTMP connections that a limit turned away, by setting.
    CONNECTIONS_TURNED_AWAY = "bongsu_connections_turned_away";
    /// RTMP connections that ended, by reason.
    CONNECTIONS_ENDED = "bongsu_connections_ended";
    /// Refusals of wrong stream keys that had to wait, because their address had tried too many.
    REFUSALS_DELAYED = "bongsu_refusals_delayed";
    /// Failures to take a connection from the system.
    ACCEPT_FAILURES = "bongsu_accept_failures";
    /// RTMP connections that ended because they passed a limit of the protocol, by limit.
    LIMIT_EXCEEDED = "bongsu_limit_exceeded";
    /// Bytes received from RTMP peers.
    BYTES_RECEIVED = "bongsu_received_bytes";
    /// Bytes sent to RTMP peers.
    BYTES_SENT = "bongsu_sent_bytes";
    /// Publications that began.
    PUBLISHES = "bongsu_publishes";
    /// Players that began to play.
    PLAYS = "bongsu_plays";
    /// Frames that players missed: because they skipped, or because they left while behind.
    PLAYER_FRAMES_DROPPED = "bongsu_player_frames_dropped";

    /// Streams that exist now, by state.
    STREAMS = "bongsu_streams";
    /// Publishers that are connected now.
    PUBLISHERS = "bongsu_publishers";
    /// Players that are connected now, those that wait for their stream included.
    PLAYERS = "bongsu_players";
    /// Players that get each frame as it comes.
    PLAYERS_IN_SYNC = "bongsu_players_in_sync";
    /// Messages of publishers that were not passed on, of the streams that exist now, by reason.
    STREAM_DROPPED = "bongsu_stream_dropped_messages";

    /// Attempts to push a stream to a destination.
    PUSH_ATTEMPTS = "bongsu_push_attempts";
    /// Attempts to push a stream to a destination that failed.
    PUSH_FAILURES = "bongsu_push_failures";
    /// Destinations of the streams that exist now, by state.
    DESTINATIONS = "bongsu_destinations";
    /// Frames sent to the destinations of the streams that exist now.
    PUSH_FRAMES = "bongsu_push_frames";
    /// Frames that the destinations of the streams that exist now missed.
    PUSH_FRAMES_DROPPED = "bongsu_push_dropped_frames";
    /// Bytes that the destinations of the streams that exist now acknowledged.
    PUSH_BYTES = "bongsu_push_acknowledged_bytes";

    /// Workers that did not answer this scrape in time; their streams are missing from it.
    SCRAPE_WORKERS_MISSING = "bongsu_scrape_workers_missing";

    /// Memory of the process that is in RAM.
    PROCESS_RESIDENT = "bongsu_process_resident_bytes";
    /// File descriptors that are open.
    PROCESS_FDS = "bongsu_process_open_fds";
    /// Processor time of the process, user and system.
    PROCESS_CPU = "bongsu_process_cpu_seconds";
    /// When the process started, in seconds since 1970.
    PROCESS_START = "bongsu_process_start_time_seconds";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_ours_once_each_and_in_snake_case() {
        let mut seen = BTreeSet::new();
        for name in ALL {
            assert!(seen.insert(name.name), "{} twice", name.name);
            assert!(name.name.starts_with("bongsu_"), "{}", name.name);
            let is_snake_case = |c: char| c.is_ascii_lowercase() || c == '_';
            assert!(name.name.chars().all(is_snake_case), "{}", name.name);
            // The encoder adds it to counters; on a gauge it would be a lie.
            assert!(!name.name.ends_with("_total"), "{}", name.name);
            assert!(!name.help().is_empty() && !name.help().ends_with('.'));
        }
    }
}
