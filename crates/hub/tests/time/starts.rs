//! Publishers whose clocks start near a boundary.

use crate::scene::{A, Got, INTER, KEY, SOUND, Scene, V, check_order, steps, times};

/// Where a field on the wire changes its form, a sign appears, or the count begins again.
pub(crate) const BOUNDARIES: [u64; 4] = [1 << 24, 1 << 30, 1 << 31, 1 << 32];
/// Time of the first frame before the boundary.
const BEFORE_MS: u64 = 2_000;
const VIDEO_STEP_MS: u32 = 40;
const AUDIO_STEP_MS: u32 = 20;
/// How far sound is behind the picture of the same moment.
const AUDIO_BEHIND_MS: u32 = 7;
/// Largest time of the first frame of an output.
const FIRST_MS_MAX: u32 = 1_000;

/// Low bits of a time.
pub(crate) fn wire(time: u64) -> u32 {
    u32::try_from(time & 0xffff_ffff).unwrap()
}

/// Four seconds of picture and sound from this time on; `mask` is what the publisher keeps of its clock. A player and a
/// push join each second.
fn four_seconds(scene: &mut Scene, start: u64, mask: u32) -> (Vec<usize>, Vec<usize>) {
    let at = |time: u64| wire(time) & mask;
    let (mut players, mut pushes) = (vec![scene.join()], vec![scene.push_out()]);
    scene.headers(at(start));
    for count in 0..100_u32 {
        let time = start + u64::from(count * VIDEO_STEP_MS);
        let picture = if count % 25 == 0 { KEY } else { INTER };
        scene.send_static(20, V, at(time), picture);
        scene.send_static(7, A, at(time + u64::from(AUDIO_BEHIND_MS)), SOUND);
        let second = time + u64::from(AUDIO_BEHIND_MS + AUDIO_STEP_MS);
        scene.send_static(13, A, at(second), SOUND);
        if count % 25 == 24 {
            players.push(scene.join());
            pushes.push(scene.push_out());
        }
    }
    (players, pushes)
}

/// Every step of each kind is that of the publisher, and sound keeps its distance.
fn check_steps(got: &[Got], who: &str) {
    check_order(got, who);
    let (video, audio) = (times(got, V), times(got, A));
    let (video_step, audio_step) = (VIDEO_STEP_MS.cast_signed(), AUDIO_STEP_MS.cast_signed());
    assert!(
        steps(&video).iter().all(|step| *step == video_step),
        "{who}: {video:?}"
    );
    assert!(
        steps(&audio).iter().all(|step| *step == audio_step),
        "{who}: {audio:?}"
    );
    let apart = audio.last().unwrap().wrapping_sub(*video.last().unwrap());
    assert_eq!(apart, AUDIO_BEHIND_MS + AUDIO_STEP_MS, "{who}");
}

fn check_all(scene: &mut Scene, players: &[usize], pushes: &[usize], how: &str) {
    for (count, player) in players.iter().enumerate().take(4) {
        let got = scene.played(*player);
        check_steps(&got, &format!("{how}: player {count}"));
        let first = times(&got, V)[0];
        // Later players see the time of the stream as it is: a group of pictures starts each second.
        let earliest = FIRST_MS_MAX + u32::try_from(count.saturating_sub(1)).unwrap() * 1_000;
        assert_eq!(first, earliest, "{how}: player {count}");
    }
    for (count, push) in pushes.iter().enumerate().take(4) {
        let got = scene.pushed(*push);
        check_steps(&got, &format!("{how}: push {count}"));
        assert_eq!(times(&got, V)[0], 0, "{how}: push {count}");
    }
    let stats = scene.stream.stats();
    assert_eq!((stats.discontinuities, stats.times_held), (0, 0), "{how}");
}

/// [WIRE 135] [WIRE 162] [WIRE 163] Whoever joins on whichever side: near 0, and no step that the publisher did not make.
#[test]
fn publishers_that_start_near_a_boundary() {
    for boundary in BOUNDARIES {
        let mut scene = Scene::new();
        let (players, pushes) = four_seconds(&mut scene, boundary - BEFORE_MS, u32::MAX);
        check_all(&mut scene, &players, &pushes, &format!("{boundary:#x}"));
    }
}

/// [WIRE 162] Writers that keep 31 bits of their clock start again at 0 after 24.8 days.
#[test]
fn a_publisher_that_wraps_at_31_bits() {
    let mut scene = Scene::new();
    let (players, pushes) = four_seconds(&mut scene, (1 << 31) - BEFORE_MS, u32::MAX >> 1);
    check_all(&mut scene, &players, &pushes, "31 bits");
}

/// [WIRE 170] One publisher after the other, each near another boundary: the gap is that of wall time, for all outputs.
#[test]
fn publishers_near_one_boundary_after_another() {
    let mut scene = Scene::new();
    let (player, push) = (scene.join(), scene.push_out());
    for (count, boundary) in BOUNDARIES.into_iter().enumerate() {
        if count > 0 {
            scene.republish(3_000);
        }
        four_seconds(&mut scene, boundary - BEFORE_MS, u32::MAX);
    }
    for (got, who) in [
        (scene.played(player), "player"),
        (scene.pushed(push), "push"),
    ] {
        check_order(&got, who);
        let video = times(&got, V);
        assert_eq!(video.len(), 400, "{who}");
        for (count, step) in (1..).zip(steps(&video)) {
            // 20 ms from the last picture to the last sound, 3 s of nobody, 20 ms to the first picture.
            let expected = if count % 100 == 0 { 3_040 } else { 40 };
            assert!(
                (expected - 27..=expected + 27).contains(&step),
                "{who}: {step} at {count}"
            );
            assert!(count % 100 == 0 || step == 40, "{who}: {step} at {count}");
        }
    }
    assert_eq!(scene.stream.stats().discontinuities, 0);
}
