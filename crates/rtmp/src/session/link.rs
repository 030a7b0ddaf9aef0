//! What both sides of a connection share: chunks in and out, acknowledgements, pings.

use std::time::Instant;

use bytes::{Bytes, BytesMut};

use super::SessionError;
use super::limits::{WINDOW_BYTES, WINDOW_BYTES_MAX, WINDOW_BYTES_MIN};
use crate::chunk::{self, ChunkStreamId};
use crate::limits::{Limit, LimitExceeded, Limits, MEDIA_BYTES_MAX};
use crate::message::{
    BandwidthLimit, Command, Control, MediaKind, MessageStreamId, MessageType, UserControl,
};

/// The chunk streams of one connection after its handshake, with the replies that both sides give the same way.
///
/// Between reads it holds nothing but incomplete messages: the output buffer goes away with
/// [`take_output`](Self::take_output).
#[derive(Debug)]
pub(crate) struct Link {
    decoder: chunk::Decoder,
    output: BytesMut,
    chunk_size: u32,
    /// Whether the peer knows `chunk_size`.
    is_announced: bool,
    acknowledging: Acknowledging,
    /// The window that the peer was told last.
    window_sent: u32,
    /// The last limit type that was not dynamic.
    bandwidth_limit: BandwidthLimit,
    acknowledged: Option<u32>,
}

impl Link {
    /// A connection that sends chunks of `chunk_size` bytes.
    ///
    /// Set Chunk Size goes out by itself before the first message that may be longer than the chunks every peer
    /// starts with, unless the caller has sent it. [WIRE 056]
    pub(crate) fn new(limits: Limits, chunk_size: u32) -> Self {
        Self {
            decoder: chunk::Decoder::new(limits),
            output: BytesMut::new(),
            chunk_size,
            is_announced: false,
            acknowledging: Acknowledging::new(),
            window_sent: WINDOW_BYTES,
            bandwidth_limit: BandwidthLimit::Soft,
            acknowledged: None,
        }
    }

    /// Replaces the limits of what the peer may send.
    pub(crate) fn set_limits(&mut self, limits: Limits) {
        self.decoder.set_limits(limits);
    }

    /// Counts a tag of an aggregate as a chunk header: it costs as much.
    pub(crate) fn charge_tag(&mut self) -> Result<(), LimitExceeded> {
        self.decoder.charge_header()
    }

    /// Whether to stop before the next media message; see [`chunk::Decoder::set_hold_media`].
    pub(crate) fn set_hold_media(&mut self, hold: bool) {
        self.decoder.set_hold_media(hold);
    }

    /// True when the last `decode` stopped at held media.
    pub(crate) fn is_holding(&self) -> bool {
        self.decoder.is_holding()
    }

    /// Takes bytes from the front of `input` up to the end of the next message, and acknowledges them in time.
    ///
    /// `Ok(None)` means that all of `input` was taken, or that the link [is holding](Self::is_holding).
    pub(crate) fn decode(
        &mut self,
        now: Instant,
        input: &mut &[u8],
    ) -> Result<Option<chunk::Message>, SessionError> {
        self.decoder.set_now(now);
        let before = input.len();
        let decoded = self.decoder.decode(input);
        self.acknowledging
            .on_received(before.saturating_sub(input.len()));
        while let Some(total) = self.acknowledging.due() {
            self.send_control(Control::Acknowledgement(total));
        }
        Ok(decoded?)
    }

    /// Queues a protocol control message.
    pub(crate) fn send_control(&mut self, control: Control) {
        match control {
            Control::SetChunkSize(_) => self.is_announced = true,
            Control::WindowAcknowledgementSize(window) => self.window_sent = window,
            _ => {}
        }
        self.send_small(control.message_type(), &control.encode());
    }

    /// Queues a user control event.
    pub(crate) fn send_user_control(&mut self, event: UserControl) {
        self.send_small(MessageType::UserControl, &event.encode());
    }

    /// Queues a command.
    pub(crate) fn send_command(
        &mut self,
        chunk_stream: ChunkStreamId,
        stream: MessageStreamId,
        command: &Command,
    ) {
        let header = chunk::Header {
            chunk_stream,
            message_type: MessageType::CommandAmf0,
            stream,
            timestamp: 0,
        };
        self.send(&header, &[&command.to_bytes()]);
    }

    /// Queues a data message of the session itself, not of a publisher.
    pub(crate) fn send_data(&mut self, stream: MessageStreamId, timestamp: u32, parts: &[&[u8]]) {
        let header = chunk::Header {
            chunk_stream: ChunkStreamId::STREAM,
            message_type: MessageType::DataAmf0,
            stream,
            timestamp,
        };
        self.send(&header, parts);
    }

    /// Queues a media message, its body in pieces.
    pub(crate) fn send_media(
        &mut self,
        stream: MessageStreamId,
        kind: MediaKind,
        timestamp: u32,
        parts: &[&[u8]],
    ) {
        let chunk_stream = match kind {
            MediaKind::Audio => ChunkStreamId::AUDIO,
            MediaKind::Video => ChunkStreamId::VIDEO,
            MediaKind::Data => ChunkStreamId::DATA,
        };
        let header = chunk::Header {
            chunk_stream,
            message_type: kind.message_type(),
            stream,
            timestamp,
        };
        self.send(&header, parts);
    }

    /// Where handshake bytes go.
    pub(crate) fn raw_output(&mut self) -> &mut BytesMut {
        &mut self.output
    }

    /// Bytes that wait for [`take_output`](Self::take_output).
    pub(crate) fn unsent_bytes(&self) -> usize {
        self.output.len()
    }

    /// All that waits to be sent; the buffer goes with it.
    pub(crate) fn take_output(&mut self) -> Option<Bytes> {
        (!self.output.is_empty()).then(|| std::mem::take(&mut self.output).freeze())
    }

    /// Does what both sides do with a protocol control message. The decoder has applied chunk size and abort.
    pub(crate) fn handle_control(&mut self, control: Control) {
        match control {
            Control::SetChunkSize(_) | Control::Abort(_) => {}
            Control::Acknowledgement(total) => self.acknowledged = Some(total),
            Control::WindowAcknowledgementSize(window) => {
                if let Some(total) = self.acknowledging.set_window(window) {
                    self.send_control(Control::Acknowledgement(total));
                }
            }
            Control::SetPeerBandwidth { window, limit } => self.on_peer_bandwidth(window, limit),
        }
    }

    /// Does what both sides do with a user control event: a ping is answered. [WIRE 067]
    pub(crate) fn handle_user_control(&mut self, event: UserControl) {
        if let UserControl::PingRequest(timestamp) = event {
            self.send_user_control(UserControl::PingResponse(timestamp));
        }
    }

    /// As if so many bytes had come and been acknowledged.
    #[cfg(test)]
    pub(super) const fn count_received_from(&mut self, received: u32) {
        self.acknowledging.received = received;
        self.acknowledging.acknowledged = received;
    }

    /// The peer's newest acknowledgement as it came. Nothing waits for it. [WIRE 062]
    pub(crate) const fn acknowledged(&self) -> Option<u32> {
        self.acknowledged
    }

    /// Says our window again when the peer's wish changes it. [RTMP 5.4.5] [WIRE 065]
    fn on_peer_bandwidth(&mut self, window: u32, limit: BandwidthLimit) {
        let wanted = match (limit, self.bandwidth_limit) {
            (BandwidthLimit::Hard, _) | (BandwidthLimit::Dynamic, BandwidthLimit::Hard) => window,
            (BandwidthLimit::Soft, _) => window.min(self.window_sent),
            (BandwidthLimit::Dynamic, _) => self.window_sent,
        };
        if limit != BandwidthLimit::Dynamic {
            self.bandwidth_limit = limit;
        }
        if wanted != self.window_sent {
            self.send_control(Control::WindowAcknowledgementSize(wanted));
        }
    }

    /// Control messages fit into a chunk of any peer, so they need no announced chunk size.
    fn send_small(&mut self, message_type: MessageType, body: &[u8]) {
        let header = chunk::Header {
            chunk_stream: ChunkStreamId::CONTROL,
            message_type,
            stream: MessageStreamId::CONNECTION,
            timestamp: 0,
        };
        chunk::encode(&mut self.output, &header, body, chunk::CHUNK_SIZE_DEFAULT);
    }

    fn send(&mut self, header: &chunk::Header, parts: &[&[u8]]) {
        if !self.is_announced {
            self.send_control(Control::SetChunkSize(self.chunk_size));
        }
        chunk::encode_parts(&mut self.output, header, parts, self.chunk_size);
    }
}

/// Refuses a message that is longer than RTMP can say.
pub(crate) fn check_media_bytes(len: usize) -> Result<(), LimitExceeded> {
    match u32::try_from(len) {
        Ok(len) if len <= MEDIA_BYTES_MAX => Ok(()),
        _ => Err(LimitExceeded {
            limit: Limit::MediaBytes,
            got: u64::try_from(len).unwrap_or(u64::MAX),
            max: u64::from(MEDIA_BYTES_MAX),
        }),
    }
}

/// Counts what came and says when to acknowledge it: each half window. [WIRE 060]
///
/// An acknowledgement says exactly the count at which it was due, so that output does not depend on how the
/// input was split.
#[derive(Debug, Clone, Copy)]
struct Acknowledging {
    /// All bytes received, modulo 2^32. [WIRE 061]
    received: u32,
    /// What of it was acknowledged.
    acknowledged: u32,
    /// Bytes from one acknowledgement to the next.
    interval: u32,
}

impl Acknowledging {
    /// As if the largest window had been announced. [WIRE 063]
    const fn new() -> Self {
        Self {
            received: 0,
            acknowledged: 0,
            interval: WINDOW_BYTES_MAX / 2,
        }
    }

    fn on_received(&mut self, count: usize) {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the wire counts modulo 2^32"
        )]
        let count = count as u32;
        self.received = self.received.wrapping_add(count);
    }

    /// The next acknowledgement to send, if one is due.
    fn due(&mut self) -> Option<u32> {
        if self.received.wrapping_sub(self.acknowledged) < self.interval {
            return None;
        }
        self.acknowledged = self.acknowledged.wrapping_add(self.interval);
        Some(self.acknowledged)
    }

    /// Obeys a window within bounds. [WIRE 064] A smaller one may make an acknowledgement due at once.
    fn set_window(&mut self, window: u32) -> Option<u32> {
        self.interval = window.clamp(WINDOW_BYTES_MIN, WINDOW_BYTES_MAX) / 2;
        let is_due = self.received.wrapping_sub(self.acknowledged) >= self.interval;
        is_due.then(|| {
            self.acknowledged = self.received;
            self.received
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(received: u32) -> Acknowledging {
        Acknowledging {
            received,
            acknowledged: received,
            ..Acknowledging::new()
        }
    }

    /// [WIRE 061]
    #[test]
    fn counts_wrap_at_2_to_the_32() {
        let mut count = at(u32::MAX - 999_999);
        count.on_received(1_249_999);
        assert_eq!(count.due(), None);
        count.on_received(1);
        assert_eq!(count.due(), Some(250_000));
        assert_eq!(count.due(), None);
    }

    #[test]
    fn every_count_that_fell_due_inside_a_read_is_said() {
        let mut count = at(0);
        count.on_received(2_600_000);
        assert_eq!(count.due(), Some(1_250_000));
        assert_eq!(count.due(), Some(2_500_000));
        assert_eq!(count.due(), None);
    }

    /// [WIRE 064]
    #[test]
    fn windows_are_obeyed_within_bounds() {
        for (announced, interval) in [
            (0, 16_384),
            (32_768, 16_384),
            (32_770, 16_385),
            (2_500_000, 1_250_000),
            (u32::MAX, 1_250_000),
        ] {
            let mut count = at(0);
            assert_eq!(count.set_window(announced), None);
            assert_eq!(count.interval, interval);
        }
        let mut count = at(0);
        count.on_received(20_000);
        assert_eq!(count.set_window(1), Some(20_000));
        assert_eq!(count.due(), None);
    }
}
