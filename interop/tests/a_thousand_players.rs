//! A thousand players of one stream of 600 kbit/s, half of whom never read: the other half lose nothing, and memory
//! stays within its bound, although the half that does not read is behind.

use std::thread;
use std::time::Duration;

use bongsu_hub::limits::RING_BYTES_MAX;
use bongsu_interop::publisher::{Publisher, Publishing};
use bongsu_interop::stage::{OPEN_APP, wait_for_players};
use bongsu_server::config::limits::PLAYER_BYTES_MAX;
use bongsu_testkit::compare::{Rule, Start, compare};
use bongsu_testkit::crowd::Crowd;
use bongsu_testkit::{Bongsu, Fixture, RunDir};

/// Players that read, and players that do not.
const HALF: usize = 500;
/// Most bytes that a player who never reads may add once the stream flows, the ring and the images of the stream counted
/// among them. Why: far below what a queue per player would hold; 20 s of the stream are 1.5 MB.
const STALLED_GROWTH_BYTES_MAX: u64 = 8 << 10;
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
    let (mut highest, mut last_in_sync) = (0, None);
    let heard = crowd.listen(LIMIT, || {
        highest = highest.max(relay.process().resident_bytes());
        last_in_sync = in_sync(&relay).or(last_in_sync);
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
    let growth = highest.saturating_sub(seated);
    let per_stalled = growth / HALF as u64;
    println!(
        "resident: {idle} bytes idle; {per_player} for each player that waits; {growth} more once the stream flows, \
         which is {per_stalled} for each player that never reads; at most {highest} in all"
    );
    let last_in_sync = last_in_sync.expect("a look at the players while the stream flows");
    println!("in sync near the end of the stream: {last_in_sync} players");
    assert!(
        last_in_sync <= HALF,
        "those that never read are not behind: {last_in_sync} are in sync"
    );
    assert!(
        per_stalled <= STALLED_GROWTH_BYTES_MAX,
        "a player that never reads costs {per_stalled} bytes"
    );
    assert!(
        highest <= idle + bound(),
        "resident memory rose from {idle} to {highest} bytes"
    );
}

/// The players that get each frame as it comes, while a publisher is there.
fn in_sync(relay: &Bongsu) -> Option<usize> {
    let stream = relay.stream("live/cam")?;
    if stream["state"] != "live" {
        return None;
    }
    usize::try_from(stream["players_in_sync"].as_u64()?).ok()
}

/// What the limits allow: the ring of the stream, and so much for each player.
const fn bound() -> u64 {
    (RING_BYTES_MAX + 2 * HALF * PLAYER_BYTES_MAX) as u64
}
