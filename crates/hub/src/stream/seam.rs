//! Where one session of a receiver ends and its next one begins, so that nothing lies between them.

use super::LiveStream;
use crate::{
    Cursor, Frame,
    cursor::Prelude,
    position::{PerKind, Position},
};

impl LiveStream {
    /// Whether a new session can take over with what this cursor has to send next: a keyframe of the default track that
    /// is there already. A stream without a picture, or without one for the cursor's shape, can be taken over anywhere.
    #[must_use]
    pub fn is_at_seam(&self, cursor: &Cursor) -> bool {
        let position = &cursor.position;
        if position.waiting || cursor.prelude.is_some() {
            return false;
        }
        // The new session begins with the headers in force: they must not be those of later frames.
        let is_ahead = |header| position.lacks(header);
        if self.headers().items().iter().any(is_ahead) {
            return false;
        }
        let has_no_picture = self.video.last.is_none() && self.ring().newest_gop().is_none();
        has_no_picture
            || self.is_audio_only_for(cursor.shape)
            || self.ring().get(position.at).is_some_and(Frame::starts_gop)
    }

    /// The cursor of a session that takes over from another one's: it begins with metadata and headers and goes on with
    /// the entry that the other one has not sent, at time 0.
    #[must_use]
    pub fn take_over(&self, from: &Cursor) -> Cursor {
        let at = from.position.at;
        let mut cursor = Cursor::rebased().with_shape(from.shape);
        // It was there for every entry from this one on.
        cursor.position.go(at, from.position.bytes, at);
        cursor.position.versions = PerKind::all(self.headers().version());
        cursor.prelude = Some(Prelude::new(
            self.headers().items().clone(),
            Position::new(),
        ));
        if let Some(first) = self.first_time(at) {
            cursor.set_base(first);
        }
        cursor
    }
}

#[cfg(test)]
mod tests {
    use crate::{Cursor, testing::Scene};

    /// Reads until the seam; what is read comes out.
    fn read_to_seam(scene: &mut Scene, cursor: &mut Cursor) -> String {
        let mut read = Vec::new();
        while !scene.stream.is_at_seam(cursor) {
            match scene.read_one(cursor) {
                Some(one) => read.push(one),
                None => break,
            }
        }
        read.join(" ")
    }

    #[test]
    fn a_picture_is_taken_over_at_its_next_keyframe_and_nothing_is_lost_or_doubled() {
        let mut scene = Scene::new();
        let mut old = Cursor::rebased();
        scene.push("m H h K1@1000 a1@1000");
        assert!(!scene.stream.is_at_seam(&old), "it has no place yet");
        scene.read(&mut old);
        scene.push("P1@1040 a2@1040 K2@1080 a3@1080 P2@1120 K3@1160");
        assert_eq!(read_to_seam(&mut scene, &mut old), "P1@40 a2@40");
        let mut new = scene.stream.take_over(&old);
        assert_eq!(
            scene.read(&mut new),
            "[m@0] [H@0] [h@0] K2@0 a3@0 P2@40 K3@80"
        );
        assert_eq!(new.drops(), Cursor::new().drops());
        scene.push("P3@1200");
        assert_eq!(scene.read(&mut new), "P3@120");
    }

    #[test]
    fn a_keyframe_that_is_awaited_is_a_seam_when_it_is_there() {
        let mut scene = Scene::new();
        let mut old = Cursor::rebased();
        scene.push("H K1@0 P1@40");
        scene.read(&mut old);
        assert!(!scene.stream.is_at_seam(&old));
        scene.push("a1@80");
        assert!(!scene.stream.is_at_seam(&old), "sound is no seam");
        scene.read(&mut old);
        scene.push("K2@80");
        assert!(scene.stream.is_at_seam(&old));
    }

    #[test]
    fn sound_alone_is_taken_over_at_once() {
        let mut scene = Scene::new();
        let mut old = Cursor::rebased();
        scene.push("h a1@500 a2@520");
        scene.read(&mut old);
        assert!(scene.stream.is_at_seam(&old), "also before the next frame");
        scene.push("a3@540 a4@560");
        let mut new = scene.stream.take_over(&old);
        assert_eq!(scene.read(&mut new), "[h@0] a3@0 a4@20");
    }

    #[test]
    fn headers_of_later_frames_are_no_beginning_for_earlier_ones() {
        let mut scene = Scene::new();
        let mut old = Cursor::rebased();
        scene.push("H1 K1@0");
        scene.read(&mut old);
        scene.push("P1@40 K2@80 H2 K3@120");
        assert_eq!(
            read_to_seam(&mut scene, &mut old),
            "P1@40 K2@80 H2@80",
            "K2 has another header in front of it than the newest"
        );
        let mut new = scene.stream.take_over(&old);
        assert_eq!(scene.read(&mut new), "[H2@0] K3@0");
    }
}
