//! Clocks that step, ahead and back, by little and by much, of both kinds and of one.

use bongsu_hub::Kind;

use crate::scene::{A, INTER, KEY, SOUND, Scene, V, check_order, steps, times};
use crate::starts::{BOUNDARIES, wire};

const STEP_MS: u32 = 40;
/// Frames of each kind before the jump, and behind it.
const FRAMES: u32 = 60;

/// What is to become of a jump.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mended {
    /// Differences stay as they are: a step ahead is a gap.
    Kept,
    /// Frames have the time of the last one until the clock is there again.
    Held,
    /// A new offset: the gap is that of wall time.
    Rebased,
}

/// Kinds that jump, by how many milliseconds, and what is to become of it.
const JUMPS: [(&[Kind], i64, Mended); 15] = [
    (&[A, V], 1, Mended::Kept),
    (&[A, V], 5_000, Mended::Kept),
    (&[A, V], 9_900, Mended::Kept),
    (&[A, V], 20_000, Mended::Rebased),
    (&[A, V], 40_000_000, Mended::Rebased),
    (&[A, V], 2_000_000_000, Mended::Rebased),
    (&[A, V], -200, Mended::Held),
    (&[A, V], -900, Mended::Held),
    (&[A, V], -5_000, Mended::Rebased),
    (&[A, V], -40_000_000, Mended::Rebased),
    (&[V], 5_000, Mended::Kept),
    (&[V], 20_000, Mended::Rebased),
    (&[V], -5_000, Mended::Rebased),
    (&[A], 20_000, Mended::Rebased),
    (&[A], -200, Mended::Held),
];

/// Picture and sound that jump in the middle, around a boundary; what a player and a push got.
fn jump(scene: &mut Scene, start: u64, kinds: &[Kind], by_ms: i64) {
    scene.headers(wire(start));
    for count in 0..2 * FRAMES {
        for (kind, payload) in [(V, if count % 20 == 0 { KEY } else { INTER }), (A, SOUND)] {
            let jumped = if count >= FRAMES && kinds.contains(&kind) {
                by_ms
            } else {
                0
            };
            let time = start
                .wrapping_add(u64::from(count * STEP_MS))
                .wrapping_add_signed(jumped);
            scene.send_static(20, kind, wire(time), payload);
        }
    }
}

fn check_kind(times: &[u32], by_ms: i64, mended: Mended, how: &str) {
    assert_eq!(times.len(), 2 * FRAMES as usize, "{how}");
    let steps = steps(times);
    let (before, behind) = steps.split_at(FRAMES as usize - 1);
    assert!(before.iter().all(|step| *step == 40), "{how}: {before:?}");
    let (at, behind) = behind.split_first().unwrap();
    match mended {
        Mended::Kept => {
            assert_eq!(i64::from(*at), 40 + by_ms, "{how}");
            assert!(behind.iter().all(|step| *step == 40), "{how}: {behind:?}");
        }
        Mended::Rebased => {
            // Wall time since the last frame of any kind is 20 ms, and that one is 0 to 40 ms ahead of the last of this
            // kind.
            assert!((20..=60).contains(at), "{how}: {at}");
            assert!(behind.iter().all(|step| *step == 40), "{how}: {behind:?}");
        }
        Mended::Held => {
            let total: i32 = steps[FRAMES as usize - 1..].iter().sum();
            assert_eq!(i64::from(total), 40 * i64::from(FRAMES) + by_ms, "{how}");
            assert!(
                steps.iter().all(|step| (0..=40).contains(step)),
                "{how}: {steps:?}"
            );
        }
    }
}

/// [WIRE 134] [WIRE 165] On the image of all players and on a push alike, across every boundary.
#[test]
fn jumps_are_kept_held_or_rebased() {
    for boundary in BOUNDARIES {
        for (kinds, by_ms, mended) in JUMPS {
            let how = format!("{boundary:#x}, {kinds:?} {by_ms:+} ms");
            let mut scene = Scene::new();
            let (player, push) = (scene.join(), scene.push_out());
            // The jump is at the boundary.
            jump(
                &mut scene,
                boundary - u64::from(FRAMES * STEP_MS),
                kinds,
                by_ms,
            );
            let (played, pushed) = (scene.played(player), scene.pushed(push));
            for (got, who) in [(&played, "player"), (&pushed, "push")] {
                check_order(got, &format!("{how}: {who}"));
                for kind in [A, V] {
                    let (by_ms, mended) = if kinds.contains(&kind) {
                        (by_ms, mended)
                    } else {
                        (0, Mended::Kept)
                    };
                    check_kind(
                        &times(got, kind),
                        by_ms,
                        mended,
                        &format!("{how}: {who} {kind:?}"),
                    );
                }
            }
            let ahead: Vec<u32> = played
                .iter()
                .zip(&pushed)
                .filter(|(played, _)| !played.is_header())
                .map(|(played, pushed)| played.time.wrapping_sub(pushed.time))
                .collect();
            assert_eq!(
                ahead,
                vec![ahead[0]; ahead.len()],
                "{how}: one base for a push"
            );
            let expected = u64::from(mended == Mended::Rebased);
            assert_eq!(scene.stream.stats().discontinuities, expected, "{how}");
            // A shared jump leaves sound and picture as far apart as they were.
            if kinds.len() == 2 {
                let apart =
                    |frame: usize| times(&played, A)[frame].wrapping_sub(times(&played, V)[frame]);
                assert_eq!(apart(0), apart(2 * FRAMES as usize - 1), "{how}");
            }
        }
    }
}

/// A clock that jumps ahead and back again and again: every output goes on at the pace of wall time.
#[test]
fn a_clock_that_jumps_to_and_fro() {
    let mut scene = Scene::new();
    let (player, push) = (scene.join(), scene.push_out());
    scene.headers(0);
    for count in 0..400_u32 {
        let by = if count / 40 % 2 == 0 {
            0
        } else {
            3_000_000_000_u32
        };
        let time = (count * STEP_MS).wrapping_add(by);
        let picture = if count % 20 == 0 { KEY } else { INTER };
        scene.send_static(20, V, time, picture);
        scene.send_static(20, A, time, SOUND);
    }
    for (got, who) in [
        (scene.played(player), "player"),
        (scene.pushed(push), "push"),
    ] {
        check_order(&got, who);
        for kind in [A, V] {
            let steps = steps(&times(&got, kind));
            assert_eq!(steps.len(), 399, "{who}");
            assert!(
                steps.iter().all(|step| (20..=40).contains(step)),
                "{who}: {steps:?}"
            );
        }
    }
    assert_eq!(scene.stream.stats().discontinuities, 9);
}
