//! What one connection of a load saw.

/// Counts and instants of a connection. Instants are nanoseconds of the monotonic clock.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    /// When connecting began.
    pub(crate) opened_ns: u64,
    /// When the server accepted to publish or to play.
    pub(crate) accepted_ns: Option<u64>,
    /// When the first keyframe was complete; for players that read messages.
    pub(crate) keyframe_ns: Option<u64>,
    /// Bytes that came, from the handshake on.
    pub(crate) received: u64,
    /// Bytes that the kernel took.
    pub(crate) sent: u64,
    /// Messages of media that came or were sent.
    pub(crate) frames: u64,
    /// Frames that are missing between two that came.
    pub(crate) lost: u64,
    /// The longest time without a byte, once it played.
    pub(crate) longest_gap_ns: u64,
    /// When bytes came last.
    pub(crate) last_ns: u64,
    /// The sequence number that the next stamp of a kind should have: video, audio.
    pub(super) next: [Option<u32>; 2],
}

impl Tally {
    /// Time from connecting to the server's yes.
    pub(crate) fn accept_ns(&self) -> Option<u64> {
        Some(self.accepted_ns?.saturating_sub(self.opened_ns))
    }

    /// Time from connecting to the first keyframe.
    pub(crate) fn join_ns(&self) -> Option<u64> {
        Some(self.keyframe_ns?.saturating_sub(self.opened_ns))
    }

    /// Begins the measurement anew; what came before does not count.
    pub(crate) fn restart(&mut self, now_ns: u64) {
        self.received = 0;
        self.sent = 0;
        self.frames = 0;
        self.lost = 0;
        self.longest_gap_ns = 0;
        self.last_ns = now_ns;
    }

    /// Takes note of bytes that came.
    pub(super) fn came(&mut self, now_ns: u64, bytes: usize) {
        self.received += bytes as u64;
        if self.accepted_ns.is_some() {
            self.see_gap(now_ns);
        }
        self.last_ns = now_ns;
    }

    /// Counts the time without a byte up to now.
    pub(crate) fn see_gap(&mut self, now_ns: u64) {
        let gap = now_ns.saturating_sub(self.last_ns);
        self.longest_gap_ns = self.longest_gap_ns.max(gap);
    }

    /// Takes note of a stamped frame, in the order of its kind.
    pub(super) fn frame(&mut self, is_audio: bool, sequence: u32) {
        self.frames += 1;
        if let Some(next) = self.next.get_mut(usize::from(is_audio)) {
            let missing = next.map_or(0, |next| sequence.wrapping_sub(next));
            // A step back is another publisher, or the same one anew.
            if missing < u32::MAX / 2 {
                self.lost += u64::from(missing);
            }
            *next = Some(sequence.wrapping_add(1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_frames_are_counted_by_kind() {
        let mut tally = Tally::default();
        for (is_audio, sequence) in [
            (false, 7),
            (true, 100),
            (false, 8),
            (true, 103),
            (false, 10),
        ] {
            tally.frame(is_audio, sequence);
        }
        assert_eq!((tally.frames, tally.lost), (5, 2 + 1));
        tally.frame(false, 0);
        assert_eq!(tally.lost, 3, "a new publisher loses nothing");
    }

    #[test]
    fn gaps_count_from_the_acceptance_on() {
        let mut tally = Tally::default();
        tally.came(50, 10);
        tally.came(500, 10);
        assert_eq!(tally.longest_gap_ns, 0);
        tally.accepted_ns = Some(500);
        tally.came(700, 1);
        tally.came(800, 1);
        tally.see_gap(850);
        assert_eq!((tally.longest_gap_ns, tally.received), (200, 22));
    }
}
