//! Several tracks, each with a clock of its own.

use bongsu_hub::Kind;
use bytes::Bytes;

use crate::scene::{A, Got, Scene, V, steps};
use crate::starts::{BOUNDARIES, wire};

const VIDEO_TRACKS: u8 = 3;
const AUDIO_TRACKS: u8 = 2;
const STEP_MS: u32 = 40;
const ROUNDS: u32 = 100;

/// A message of one track in an Enhanced RTMP header.
fn message(kind: Kind, track: u8, is_key: bool) -> Bytes {
    let head: &[u8] = match (kind, is_key) {
        (V, true) => b"\x96\x01avc1",
        (V, false) => b"\xa6\x01avc1",
        _ => b"\x95\x01Opus",
    };
    Bytes::from([head, &[track, 0, 0, 0, 1]].concat())
}

/// How far a track is ahead of the first one.
fn ahead_ms(track: u8) -> u64 {
    u64::from(track) * 11
}

fn of_track(got: &[Got], kind: Kind, track: u8) -> Vec<u32> {
    got.iter()
        .filter(|message| message.kind == kind && message.payload.get(6) == Some(&track))
        .map(|message| message.time)
        .collect()
}

/// All tracks for four seconds across a boundary; in the middle one of them jumps.
fn run(boundary: u64, jumps: Option<(Kind, u8, i64)>) -> (Scene, Vec<(Vec<Got>, &'static str)>) {
    let mut scene = Scene::new();
    let (player, push) = (scene.join(), scene.push_out());
    let start = boundary - u64::from(ROUNDS / 2 * STEP_MS);
    for count in 0..ROUNDS {
        let tracks = (0..VIDEO_TRACKS)
            .map(|track| (V, track))
            .chain((0..AUDIO_TRACKS).map(|track| (A, track)));
        for (kind, track) in tracks {
            let jumped = match jumps {
                Some((of, who, by_ms)) if count >= ROUNDS / 2 && (of, who) == (kind, track) => {
                    by_ms
                }
                _ => 0,
            };
            let time =
                (start + u64::from(count * STEP_MS) + ahead_ms(track)).wrapping_add_signed(jumped);
            scene.send(8, kind, wire(time), &message(kind, track, count % 20 == 0));
        }
    }
    let outputs = vec![
        (scene.played(player), "player"),
        (scene.pushed(push), "push"),
    ];
    (scene, outputs)
}

/// [WIRE 134] [WIRE 162] Steps of each track are its own, and the tracks stay as far apart as they were.
#[test]
fn each_track_crosses_every_boundary_at_its_own_time() {
    for boundary in BOUNDARIES {
        let (scene, outputs) = run(boundary, None);
        for (got, who) in outputs {
            for (kind, tracks) in [(V, VIDEO_TRACKS), (A, AUDIO_TRACKS)] {
                let first = of_track(&got, kind, 0);
                for track in 0..tracks {
                    let times = of_track(&got, kind, track);
                    assert_eq!(times.len(), ROUNDS as usize, "{who} {kind:?} {track}");
                    assert!(
                        steps(&times).iter().all(|step| *step == 40),
                        "{who} {kind:?} {track}"
                    );
                    let ahead = times[0].wrapping_sub(first[0]);
                    assert_eq!(u64::from(ahead), ahead_ms(track), "{who} {kind:?} {track}");
                }
            }
        }
        assert_eq!(scene.stream.stats().discontinuities, 0, "{boundary:#x}");
    }
}

/// [WIRE 165] A track that jumps alone moves nobody else, and goes on with the gap of wall time.
#[test]
fn one_track_that_jumps_moves_no_other() {
    for boundary in BOUNDARIES {
        for (kind, jumping, by_ms) in [(V, 2, 20_000), (V, 1, -30_000), (A, 1, 1_000_000_000)] {
            let how = format!("{boundary:#x} {kind:?} {jumping} {by_ms:+} ms");
            let (scene, outputs) = run(boundary, Some((kind, jumping, by_ms)));
            for (got, who) in outputs {
                for (of, tracks) in [(V, VIDEO_TRACKS), (A, AUDIO_TRACKS)] {
                    for track in 0..tracks {
                        let times = of_track(&got, of, track);
                        let mut steps = steps(&times);
                        if (of, track) == (kind, jumping) {
                            let at = steps.remove(ROUNDS as usize / 2 - 1);
                            assert!((0..=80).contains(&at), "{how}: {who} steps by {at}");
                        }
                        assert!(
                            steps.iter().all(|step| *step == 40),
                            "{how}: {who} {of:?} {track}: {steps:?}"
                        );
                    }
                }
            }
            assert_eq!(scene.stream.stats().discontinuities, 1, "{how}");
        }
    }
}
