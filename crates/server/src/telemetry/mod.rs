//! What the relay tells about itself: counters, log lines, and why connections end.
//!
//! Counters live in `Telemetry`; what a snapshot of the streams holds is computed at each scrape (`scrape`), so that
//! nothing has to be kept in step. Names of metrics are in `names`, names of log fields in [`fields`].

mod close_reason;
pub mod fields;
pub mod log;
mod names;
mod process;
mod scrape;
mod seldom;
#[cfg(test)]
pub(crate) mod testing;

use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Metric, Registry};

pub use close_reason::CloseReason;
pub(crate) use close_reason::Deadlines;
pub(crate) use scrape::Scrape;
pub(crate) use seldom::Seldom;

use self::names::Name;
use self::process::Process;
use crate::listen::TurnedAway;

/// One label with its value. Both are words of the program, so that their number is bounded.
type Label = [(&'static str, &'static str); 1];

/// The counters of one relay. All threads add to them; none waits for another.
#[derive(Debug)]
pub(crate) struct Telemetry {
    registry: Registry,
    /// RTMP connections that are open now, outgoing ones not counted.
    pub(crate) connections: Gauge,
    /// RTMP connections that were accepted.
    pub(crate) accepted: Counter,
    /// Bytes received from RTMP peers.
    pub(crate) bytes_received: Counter,
    /// Bytes sent to RTMP peers.
    pub(crate) bytes_sent: Counter,
    /// Publications that began.
    pub(crate) publishes: Counter,
    /// Players that began to play.
    pub(crate) plays: Counter,
    /// Frames that players missed.
    pub(crate) player_frames_dropped: Counter,
    /// Attempts to push.
    pub(crate) push_attempts: Counter,
    /// Attempts to push that failed.
    pub(crate) push_failures: Counter,
    /// Refusals of wrong keys that had to wait.
    pub(crate) refusals_delayed: Counter,
    accept_failures: Counter,
    turned_away: Family<Label, Counter>,
    ended: Family<Label, Counter>,
    limit_exceeded: Family<Label, Counter>,
}

impl Telemetry {
    /// All counters at zero.
    pub(crate) fn new() -> Self {
        let mut registry = Registry::default();
        Self {
            connections: register(&mut registry, names::CONNECTIONS),
            accepted: register(&mut registry, names::CONNECTIONS_ACCEPTED),
            turned_away: register(&mut registry, names::CONNECTIONS_TURNED_AWAY),
            ended: register(&mut registry, names::CONNECTIONS_ENDED),
            refusals_delayed: register(&mut registry, names::REFUSALS_DELAYED),
            accept_failures: register(&mut registry, names::ACCEPT_FAILURES),
            limit_exceeded: register(&mut registry, names::LIMIT_EXCEEDED),
            bytes_received: register(&mut registry, names::BYTES_RECEIVED),
            bytes_sent: register(&mut registry, names::BYTES_SENT),
            publishes: register(&mut registry, names::PUBLISHES),
            plays: register(&mut registry, names::PLAYS),
            player_frames_dropped: register(&mut registry, names::PLAYER_FRAMES_DROPPED),
            push_attempts: register(&mut registry, names::PUSH_ATTEMPTS),
            push_failures: register(&mut registry, names::PUSH_FAILURES),
            registry,
        }
    }

    /// Counts a connection that a limit turned away.
    pub(crate) fn turned_away(&self, turned_away: &TurnedAway) {
        let label = [("setting", turned_away.label())];
        self.turned_away.get_or_create(&label).inc();
    }

    /// Counts a connection that the system did not give us.
    pub(crate) fn accept_failed(&self) {
        self.accept_failures.inc();
    }

    /// Counts the end of a connection, and the limit when one was passed.
    pub(crate) fn connection_ended(&self, reason: &CloseReason) {
        let label = [("reason", reason.label())];
        self.ended.get_or_create(&label).inc();
        if let CloseReason::Session(error) = reason
            && let Some(limit) = error.limit()
        {
            let label = [("limit", limit.as_str())];
            self.limit_exceeded.get_or_create(&label).inc();
        }
    }

    /// Everything in the OpenMetrics text format.
    pub(crate) fn encode(&self, scrape: &Scrape<'_>) -> String {
        let mut page = String::new();
        let now = scrape.registry(&Process::read());
        let encoded = text::encode_registry(&mut page, &self.registry)
            .and_then(|()| text::encode_registry(&mut page, &now))
            .and_then(|()| text::encode_eof(&mut page));
        debug_assert!(encoded.is_ok(), "writing into a string does not fail");
        page
    }
}

/// A metric that starts at its default; the clone that is given back counts into the same place.
fn register<M: Metric + Clone + Default>(registry: &mut Registry, name: Name) -> M {
    let metric = M::default();
    registry.register(name.name, name.help(), metric.clone());
    metric
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bongsu_rtmp::limits::{Limit, LimitExceeded};
    use bongsu_rtmp::session::{PeerMisbehaved, SessionError};

    use super::*;

    fn page(telemetry: &Telemetry) -> String {
        telemetry.encode(&Scrape {
            streams: &[],
            workers_missing: 0,
            draining: false,
        })
    }

    #[track_caller]
    fn assert_line(page: &str, line: &str) {
        assert!(
            page.lines().any(|found| found == line),
            "{line}\nin\n{page}"
        );
    }

    #[test]
    fn what_is_counted_is_on_the_page() {
        let telemetry = Telemetry::new();
        telemetry.connections.inc();
        telemetry.connections.inc();
        telemetry.connections.dec();
        telemetry.accepted.inc();
        telemetry.bytes_received.inc_by(10);
        telemetry.bytes_sent.inc_by(20);
        telemetry.publishes.inc();
        telemetry.plays.inc_by(3);
        telemetry.push_attempts.inc_by(4);
        telemetry.push_failures.inc_by(2);
        telemetry.accept_failed();
        telemetry.turned_away(&TurnedAway::ConnectsPerSecond);
        let page = page(&telemetry);
        for line in [
            "bongsu_connections 1",
            "bongsu_connections_accepted_total 1",
            "bongsu_received_bytes_total 10",
            "bongsu_sent_bytes_total 20",
            "bongsu_publishes_total 1",
            "bongsu_plays_total 3",
            "bongsu_push_attempts_total 4",
            "bongsu_push_failures_total 2",
            "bongsu_accept_failures_total 1",
            "bongsu_connections_turned_away_total{setting=\"connects_per_second\"} 1",
            "# TYPE bongsu_connections gauge",
            "# HELP bongsu_publishes Publications that began.",
        ] {
            assert_line(&page, line);
        }
    }

    #[test]
    fn the_end_of_a_connection_counts_by_reason_and_a_passed_limit_by_limit() {
        let telemetry = Telemetry::new();
        telemetry.connection_ended(&CloseReason::PeerClosed);
        telemetry.connection_ended(&CloseReason::PublishIdle(Duration::from_secs(8)));
        telemetry.connection_ended(&CloseReason::PublishIdle(Duration::from_secs(9)));
        let broken = SessionError::PeerMisbehaved(PeerMisbehaved::SecondConnect);
        telemetry.connection_ended(&CloseReason::Session(broken));
        let before = page(&telemetry);
        assert!(!before.contains("bongsu_limit_exceeded_total{"), "{before}");

        let exceeded = LimitExceeded {
            limit: Limit::AmfDepth,
            got: 17,
            max: 16,
        };
        telemetry.connection_ended(&CloseReason::Session(exceeded.into()));
        let page = page(&telemetry);
        for line in [
            "bongsu_connections_ended_total{reason=\"peer_closed\"} 1",
            "bongsu_connections_ended_total{reason=\"publish_idle\"} 2",
            "bongsu_connections_ended_total{reason=\"second_connect\"} 1",
            "bongsu_connections_ended_total{reason=\"amf_depth\"} 1",
            "bongsu_limit_exceeded_total{limit=\"amf_depth\"} 1",
        ] {
            assert_line(&page, line);
        }
    }

    #[test]
    fn the_page_has_every_name_and_ends_as_open_metrics_wants() {
        let page = page(&Telemetry::new());
        for name in names::ALL {
            let help = format!("# HELP {} {}.", name.name, name.help());
            // A family without a value has no lines at all.
            let is_empty_family = [
                names::CONNECTIONS_TURNED_AWAY.name,
                names::CONNECTIONS_ENDED.name,
                names::LIMIT_EXCEEDED.name,
            ]
            .contains(&name.name);
            assert_eq!(
                page.contains(&help),
                !is_empty_family,
                "{}\n{page}",
                name.name
            );
        }
        assert!(page.ends_with("\n# EOF\n"));
        assert_eq!(page.matches("# EOF").count(), 1);
    }
}
