//! A thousand players of one stream of 600 kbit/s, half of whom never read: the other half lose nothing, and memory
//! stays within its bound.

use std::thread;
use std::time::Duration;

use bongsu_interop::publisher::{Publisher, Publishing};
use bongsu_interop::stage::{OPEN_APP, wait_for_players};
use bongsu_testkit::compare::{Rule, Start, compare};
use bongsu_testkit::crowd::Crowd;
use bongsu_testkit::{Bongsu, Fixture, RunDir};

/// Players that read, and players that do not.
const HALF: usize = 500;
/// From the first frame to everybody's end.
const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn half_of_them_stalled() {
    let limit = bongsu_net::raise_file_limit().expect("a file limit that can be raised");
    assert!(
        limit.now.is_none_or(|files| files > 1_200),
        "open files are limited to {limit:?}; type: ulimit -Hn 4096"
    );
    let dir = RunDir::new("a-thousand-players");
    let mut relay = Bongsu::start(&dir, "relay", OPEN_APP);
    let idle = relay.process().resident_bytes();
    let crowd = Crowd::join(relay.rtmp(), "live", "cam", HALF, HALF);
    wait_for_players(&relay, 2 * HALF);
    let seated = relay.process().resident_bytes();
    let address = relay.rtmp().to_string();
    let publishing = {
        let dir = dir.clone();
        thread::spawn(move || {
            Publishing::start(
                Publisher::DebianFfmpeg,
                Fixture::H264AacBusy,
                &dir,
                &address,
                "cam",
            )
            .finish()
        })
    };
    let mut highest = 0;
    let heard = crowd.listen(LIMIT, || {
        highest = highest.max(relay.process().resident_bytes())
    });
    let sent = publishing.join().expect("the publisher succeeds");

    compare(&sent, &heard[0].packets, Rule::EveryMessage, Start::Whole)
        .unwrap_or_else(|difference| panic!("the first of the readers: {difference}"));
    for (index, one) in heard.iter().enumerate() {
        assert!(one.ended, "reader {index} has not seen the end");
        assert_eq!(
            (one.frames, one.digest),
            (heard[0].frames, heard[0].digest),
            "reader {index} lost something"
        );
    }
    let per_player = seated.saturating_sub(idle) / (2 * HALF as u64);
    println!(
        "resident: idle {idle} bytes, {per_player} per player before the stream, at most {highest} in all"
    );
    assert!(
        highest < idle + bound(),
        "resident memory rose from {idle} to {highest} bytes"
    );
}

/// What the relay may hold for this: its ring, and so much for each player.
const fn bound() -> u64 {
    const RING_BYTES_MAX: u64 = 32 << 20;
    const PLAYER_BYTES_MAX: u64 = 8 << 10;
    RING_BYTES_MAX + 2 * HALF as u64 * PLAYER_BYTES_MAX
}
