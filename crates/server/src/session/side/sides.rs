//! The side streams of a connection, as its own task sees them: what goes down, what comes up.

use std::collections::VecDeque;
use std::task::Context;
use std::time::{Duration, Instant};

use bongsu_hub::{Filter, Kind, Unpublish};
use bongsu_rtmp::chunk::{self, SERVER_CHUNK_SIZE};
use bongsu_rtmp::message::MessageStreamId;
use bongsu_rtmp::session::server::{PlayEnd, RequestId};
use bongsu_rtmp::status::{Code, Status};
use bytes::{Bytes, BytesMut};

use super::pipe::pipe;
use super::{Down, Ends, Receiver, Sender, Start, Up, Who};
use crate::limits::{OUTBOX_BYTES_MAX, SIDE_ROUNDS_MAX};
use crate::registry::WorkerId;
use crate::session::Request;
use crate::session::connection::{Connection, Role};
use crate::session::ending::End;
use crate::telemetry::CloseReason;
use crate::worker::ToWorker;

/// The side streams of one connection. There are no more than its session has message streams.
#[derive(Debug, Default)]
pub(in crate::session) struct Sides {
    list: Vec<Side>,
    /// Side streams so far.
    started: u32,
    /// Whose turn it is to go first.
    first: usize,
    /// There may be more to take from them.
    hungry: bool,
}

/// One side stream.
#[derive(Debug)]
struct Side {
    message_stream: MessageStreamId,
    request: RequestId,
    role: SideRole,
    accepted: bool,
    filter: Filter,
    down: Sender<Down>,
    /// What found no room in `down`. Nothing is read from the peer while any waits, so that it is at most what the
    /// session made of one read.
    waiting: VecDeque<Down>,
    up: Receiver<Up>,
    /// What came behind media that has to be written first.
    behind: Option<Up>,
    /// The beginning of a message that is not whole yet.
    partial: BytesMut,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SideRole {
    Publisher,
    Player,
}

/// What a side stream says, for the session.
#[derive(Debug)]
enum News {
    /// Whole messages for the player.
    Media(Bytes),
    Accepted {
        publish_idle: Option<Duration>,
    },
    Refused(CloseReason, Status),
    Ended(CloseReason, Option<Status>),
}

impl Sides {
    /// Whether everything that came for side streams is on its way.
    pub(in crate::session) fn allow_reading(&self) -> bool {
        self.list.iter().all(|side| side.waiting.is_empty())
    }

    /// Whether another round is due once others had their turn.
    pub(in crate::session) const fn is_hungry(&self) -> bool {
        self.hungry
    }

    /// Whether some side stream can go on. Players can only with `room`.
    pub(in crate::session) fn poll(&self, context: &Context<'_>, room: bool) -> bool {
        // Each of them is asked, so that each wakes the task.
        let begun = self.begun();
        self.list
            .iter()
            .enumerate()
            .fold(false, |ready, (index, side)| {
                let down = !side.waiting.is_empty() && side.down.poll_room(context).is_ready();
                let room = room && begun.is_none_or(|begun| begun == index);
                let can_speak = room || !side.needs_room();
                let up = side.behind.is_some() || side.up.poll_ready(context).is_ready();
                ready || down || (can_speak && up)
            })
    }

    /// The next thing that a side stream says, each in its turn.
    fn next(&mut self, room: bool) -> Option<(RequestId, News)> {
        let len = self.list.len();
        for ahead in 0..len {
            let index = (self.first + ahead) % len;
            let room = room && self.begun().is_none_or(|begun| begun == index);
            let side = self.list.get_mut(index)?;
            if let Some(news) = side.next(room) {
                self.first = index + 1;
                return Some((side.request, news));
            }
        }
        None
    }

    /// Who has said the beginning of a message. Nobody else says media until it is whole, so that a connection holds one
    /// message in parts and not one of each of its streams. Its rest comes: a message that has begun is always finished.
    fn begun(&self) -> Option<usize> {
        self.list.iter().position(|side| !side.partial.is_empty())
    }

    fn find(&mut self, stream: MessageStreamId) -> Option<&mut Side> {
        let mut sides = self.list.iter_mut();
        sides.find(|side| side.message_stream == stream)
    }

    fn take(&mut self, is_it: impl Fn(&Side) -> bool) -> Option<Side> {
        let index = self.list.iter().position(is_it)?;
        Some(self.list.remove(index))
    }
}

impl Side {
    /// Whether what it says next has to wait until the socket takes media: then its end stands behind that, too.
    fn needs_room(&self) -> bool {
        self.accepted && self.role == SideRole::Player
    }

    /// What it says next. Media comes in batches of whole messages.
    fn next(&mut self, room: bool) -> Option<News> {
        if self.needs_room() && !room {
            return None;
        }
        let mut whole = 0;
        while whole < OUTBOX_BYTES_MAX && self.behind.is_none() {
            match self.up.try_recv() {
                Some(Up::Bytes(bytes)) => {
                    self.partial.extend_from_slice(&bytes);
                    whole = whole_messages(&self.partial, whole);
                }
                Some(other) => self.behind = Some(other),
                None if self.up.is_over() => self.behind = Some(self.lost()),
                None => break,
            }
        }
        if whole > 0 {
            let media = self.partial.split_to(whole).freeze();
            if self.partial.is_empty() {
                // A quiet stream holds no buffer.
                self.partial = BytesMut::new();
            }
            return Some(News::Media(media));
        }
        match self.behind.take()? {
            Up::Accepted { publish_idle } => {
                self.accepted = true;
                Some(News::Accepted { publish_idle })
            }
            Up::Refused(reason, status) => Some(News::Refused(reason, status)),
            Up::Ended(reason, words) => Some(News::Ended(reason, words)),
            Up::Bytes(_) => None,
        }
    }

    /// Its task went without a word, or never began: the server is going down, or has more to do than it can.
    fn lost(&self) -> Up {
        if self.accepted {
            return Up::Ended(CloseReason::Shutdown, None);
        }
        let code = match self.role {
            SideRole::Publisher => Code::PublishRejected,
            SideRole::Player => Code::PlayFailed,
        };
        let status = Status::new(code, "the server is too busy for another stream");
        Up::Refused(CloseReason::Refused(code), status)
    }

    /// Sends something down, behind what waits.
    fn send(&mut self, item: Down) {
        self.waiting.push_back(item);
        self.flush();
    }

    fn flush(&mut self) {
        while let Some(item) = self.waiting.pop_front() {
            if let Err(item) = self.down.try_send(item) {
                return self.waiting.push_front(item);
            }
        }
    }

    /// Ends it, behind everything that came for it.
    fn end(mut self, how: Unpublish, why: CloseReason) {
        let last = Down::Ended { how, why };
        self.down.finish(self.waiting.drain(..).chain([last]));
    }
}

/// Bytes of the whole messages at the front, of which so many are known.
fn whole_messages(encoded: &[u8], known: usize) -> usize {
    let mut whole = known;
    while let Some(rest) = encoded.get(whole..)
        && let Some(len) = chunk::message_len(rest, SERVER_CHUNK_SIZE)
        && len <= rest.len()
    {
        whole += len;
    }
    whole
}

impl Connection {
    /// Whether the connection publishes or plays, or asks a side stream whether it may.
    pub(in crate::session) const fn has_streams(&self) -> bool {
        !matches!(self.role, Role::None) || self.sides.is_some()
    }

    /// Whether a request begins natively: nothing else is in use, and no media of streams that have ended is in the way.
    pub(in crate::session) fn is_free(&self) -> bool {
        !self.has_streams() && !self.outbox.holds_much_media()
    }

    /// Begins a request beside what the connection does already.
    pub(in crate::session) fn begin_side(&mut self, home: WorkerId, request: Request) {
        let sides = self.sides.get_or_insert_default();
        sides.started = sides.started.wrapping_add(1);
        let (down, from_connection) = pipe();
        let (to_connection, up) = pipe();
        let (id, message_stream) = (request.id(), request.message_stream());
        let role = match request {
            Request::Publish(_) => SideRole::Publisher,
            Request::Play(_) => SideRole::Player,
        };
        sides.list.push(Side {
            message_stream,
            request: id,
            role,
            accepted: false,
            filter: Filter::OPEN,
            down,
            waiting: VecDeque::new(),
            up,
            behind: None,
            partial: BytesMut::new(),
        });
        let start = Start {
            request,
            connect: self.session.connect_info().cloned(),
            ends: Ends {
                who: Who {
                    connection: self.facts.id,
                    part: sides.started,
                    peer: self.facts.peer,
                },
                down: from_connection,
                up: to_connection,
            },
        };
        if home == self.worker.id() {
            super::start(&self.worker, start);
        } else if let Some(queue) = self.worker.shared().worker(home) {
            // A worker whose queue is full can do no more: the pipes end with what is lost, and the request is refused.
            let _ = queue.try_send(ToWorker::Side(Box::new(start)));
        }
    }

    /// A message or a command for a side stream; nothing when there is none.
    pub(in crate::session) fn send_side(&mut self, stream: MessageStreamId, item: Down) {
        if let Some(side) = self.sides.as_mut().and_then(|sides| sides.find(stream)) {
            side.send(item);
        }
    }

    /// A message of a publisher on a side stream.
    pub(in crate::session) fn media_for_side(
        &mut self,
        stream: MessageStreamId,
        kind: Kind,
        timestamp: u32,
        payload: Bytes,
    ) {
        let media = Down::Media {
            kind,
            timestamp,
            payload,
        };
        self.send_side(stream, media);
    }

    /// Changes what the player on a side stream wants.
    pub(in crate::session) fn filter_side(
        &mut self,
        stream: MessageStreamId,
        change: impl FnOnce(&mut Filter),
    ) {
        if let Some(side) = self.sides.as_mut().and_then(|sides| sides.find(stream)) {
            change(&mut side.filter);
            side.send(Down::Filter(side.filter));
        }
    }

    /// The peer ended what a side stream did.
    pub(in crate::session) fn end_side(
        &mut self,
        stream: MessageStreamId,
        how: Unpublish,
        why: CloseReason,
    ) {
        if let Some(side) = self.take_side(|side| side.message_stream == stream) {
            side.end(how, why);
        }
    }

    /// The peer gave up a request that was not decided yet.
    pub(in crate::session) fn withdraw_side(&mut self, request: RequestId) {
        if let Some(side) = self.take_side(|side| side.request == request) {
            side.end(Unpublish::Clean, CloseReason::StreamClosed);
        }
    }

    /// Ends all side streams with the connection.
    pub(in crate::session) fn end_sides(&mut self, how: Unpublish, why: &CloseReason) {
        if let Some(sides) = self.sides.take() {
            for side in sides.list {
                side.end(how, why.clone());
            }
        }
    }

    fn take_side(&mut self, is_it: impl Fn(&Side) -> bool) -> Option<Side> {
        let sides = self.sides.as_mut()?;
        let side = sides.take(is_it);
        if sides.list.is_empty() {
            self.sides = None;
        }
        side
    }

    /// Whether media of side streams can be written next.
    pub(in crate::session) fn has_room_for_sides(&self) -> bool {
        match &self.role {
            Role::Player(playing) => playing.can_carry(),
            Role::None | Role::Publisher(_) => self.outbox.has_room(),
        }
    }

    /// Takes from the side streams what the socket has room for, a few rounds, each followed by a write.
    pub(in crate::session) fn serve_sides(&mut self, now: Instant) -> Result<(), End> {
        for _ in 0..SIDE_ROUNDS_MAX {
            let Some(sides) = &mut self.sides else {
                return Ok(());
            };
            sides.hungry = false;
            for side in &mut sides.list {
                side.flush();
            }
            if !self.hear_sides(now)? {
                return Ok(());
            }
            self.take_turns(now)?;
            self.write_unless_player()?;
        }
        if let Some(sides) = &mut self.sides {
            sides.hungry = true;
        }
        Ok(())
    }

    /// Does what the side streams say, until there is no room. True when there was something.
    fn hear_sides(&mut self, now: Instant) -> Result<bool, End> {
        let mut heard = false;
        // No more than each of them once: what they say may make room for more.
        for _ in 0..bongsu_rtmp::limits::MESSAGE_STREAMS_MAX {
            let room = self.has_room_for_sides();
            let next = self.sides.as_mut().and_then(|sides| sides.next(room));
            let Some((request, news)) = next else {
                break;
            };
            heard = true;
            match news {
                News::Media(bytes) => self.send_media(now, bytes)?,
                News::Accepted { publish_idle } => {
                    self.on_side_accepted(now, request, publish_idle)?
                }
                News::Refused(reason, status) => {
                    let _ = self.take_side(|side| side.request == request);
                    self.refuse(now, request, &status, reason)?;
                }
                News::Ended(reason, words) => self.on_side_ended(now, request, reason, words)?,
            }
        }
        Ok(heard)
    }

    fn send_media(&mut self, now: Instant, bytes: Bytes) -> Result<(), End> {
        match &mut self.role {
            Role::Player(playing) => playing.carry(now, bytes),
            Role::None | Role::Publisher(_) => {
                self.outbox.push_media(bytes);
                Ok(())
            }
        }
    }

    fn on_side_accepted(
        &mut self,
        now: Instant,
        request: RequestId,
        publish_idle: Option<Duration>,
    ) -> Result<(), End> {
        if let Some(idle) = publish_idle {
            self.deadlines.publish_idle = idle;
            self.session.set_publish_idle(Some(idle));
        }
        let accepted = self.session.accept(now, request);
        self.after(now, accepted)
    }

    /// A side stream is over for a reason that is not the peer's: the peer is told, and the connection goes on if it has
    /// another use.
    fn on_side_ended(
        &mut self,
        now: Instant,
        request: RequestId,
        reason: CloseReason,
        words: Option<Status>,
    ) -> Result<(), End> {
        let Some(side) = self.take_side(|side| side.request == request) else {
            return Ok(());
        };
        if matches!(reason, CloseReason::Stalled(_)) {
            // It has the socket in common with all others.
            return Err(reason.into());
        }
        let stream = side.message_stream;
        let ended = match side.role {
            SideRole::Publisher => {
                let status = end_of_publish(&reason);
                self.session.end_publish(now, stream, &status)
            }
            SideRole::Player => {
                let end = words.map_or(PlayEnd::Unpublished, PlayEnd::Status);
                self.session.end_play(now, stream, &end)
            }
        };
        debug_assert!(ended.is_ok(), "it was accepted: {ended:?}");
        if !self.session.is_in_use() {
            self.reason = Some(reason);
        }
        self.drain(now)
    }

    /// Tells the peer that the server is going down, on every side stream.
    pub(in crate::session) fn say_farewell_to_sides(&mut self, now: Instant) {
        let Some(sides) = &self.sides else {
            return;
        };
        for side in sides.list.iter().filter(|side| side.accepted) {
            let stream = side.message_stream;
            let ended = match side.role {
                SideRole::Publisher => {
                    let status = end_of_publish(&CloseReason::Shutdown);
                    self.session.end_publish(now, stream, &status)
                }
                SideRole::Player => self.session.end_play(now, stream, &PlayEnd::Unpublished),
            };
            debug_assert!(ended.is_ok(), "it was accepted: {ended:?}");
        }
    }
}

/// What a publisher is told that has to end.
pub(in crate::session) fn end_of_publish(reason: &CloseReason) -> Status {
    match reason {
        CloseReason::TakenOver => Status::new(
            Code::PublishBadName,
            "another publisher took this stream over",
        ),
        _ => Status::new(Code::ConnectAppShutdown, "the server is going down"),
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Waker};

    use bongsu_hub::Encode;
    use bongsu_rtmp::chunk::CLIENT_CHUNK_SIZE;
    use bongsu_rtmp::limits::Limits;
    use bongsu_rtmp::session::client::{ClientConfig, Role as ClientRole};
    use bongsu_rtmp::session::server::Event;
    use bongsu_rtmp::session::{Capabilities, ClientSession, Output, ServerSession};
    use bongsu_rtmp::url::RtmpUrl;

    use super::*;
    use crate::stream::Images;

    /// A request as sessions make them.
    fn request() -> RequestId {
        let now = Instant::now();
        let config = ClientConfig {
            role: ClientRole::Play,
            url: RtmpUrl::parse("rtmp://host/live/cam").unwrap(),
            seed: crate::shared::seed(),
            limits: Limits::authorised(),
            chunk_size: CLIENT_CHUNK_SIZE,
            capabilities: Capabilities::none(),
        };
        let mut client = ClientSession::new(config, now);
        let mut server = ServerSession::new(std::sync::Arc::default(), crate::shared::seed(), now);
        for _ in 0..10 {
            while let Some(output) = client.poll_output() {
                if let Output::Transmit(bytes) = output {
                    server.handle_bytes(now, &bytes).unwrap();
                }
            }
            while let Some(output) = server.poll_output() {
                match output {
                    Output::Transmit(bytes) => client.handle_bytes(now, &bytes).unwrap(),
                    Output::Event(Event::ConnectRequested { request, .. }) => return request,
                    Output::Event(_) => {}
                }
            }
        }
        panic!("no request");
    }

    /// A player on a side stream that was accepted, and the other end of its pipe.
    fn player(request: RequestId, stream: u32) -> (Side, Sender<Up>, Receiver<Down>) {
        let (down, from_connection) = pipe();
        let (to_connection, up) = pipe();
        let side = Side {
            message_stream: MessageStreamId(stream),
            request,
            role: SideRole::Player,
            accepted: true,
            filter: Filter::OPEN,
            down,
            waiting: VecDeque::new(),
            up,
            behind: None,
            partial: BytesMut::new(),
        };
        (side, to_connection, from_connection)
    }

    /// Goal: a peer that plays large messages on all its streams and reads slowly costs one of them, not one per stream.
    #[test]
    fn one_message_of_all_side_streams_is_in_parts_at_most() {
        let payload = Bytes::from(vec![7; 3_000_000]);
        let message = Images.encode(2, Kind::Video, 40, &payload);
        let request = request();
        let mut sides = Sides::default();
        let (mut pipes, mut ends) = (Vec::new(), Vec::new());
        for stream in 2..10 {
            let (side, pipe, end) = player(request, stream);
            sides.list.push(side);
            pipes.push((pipe, &message[..]));
            ends.push(end);
        }
        let context = Context::from_waker(Waker::noop());
        let mut whole = 0;
        while whole < pipes.len() {
            for (pipe, rest) in &mut pipes {
                if !rest.is_empty()
                    && let super::super::Put::Some(count) = pipe.put(rest, Up::Bytes)
                {
                    *rest = &rest[count..];
                }
            }
            assert!(sides.poll(&context, true), "somebody can go on");
            while let Some((_, news)) = sides.next(true) {
                let News::Media(bytes) = news else {
                    panic!("{news:?}");
                };
                assert!(bytes == message);
                whole += 1;
            }
            let parts = sides.list.iter().map(|side| side.partial.len());
            assert!(parts.filter(|len| *len > 0).count() <= 1);
        }
        assert!(!sides.poll(&context, true), "nothing is left");
        assert!(!sides.poll(&context, false));
    }

    #[test]
    fn whole_messages_end_at_the_seams() {
        let message = |len: usize| {
            let payload = Bytes::from(vec![7; len]);
            Images.encode(2, Kind::Video, 40, &payload)
        };
        let encoded = [message(3), message(70_000), message(0)].concat();
        let seams = [3 + 12, 3 + 12 + 70_000 + 13, encoded.len()];
        for (index, seam) in seams.into_iter().enumerate() {
            let before = index.checked_sub(1).map_or(0, |index| seams[index]);
            for known in [0, before] {
                assert_eq!(whole_messages(&encoded[..seam], known), seam);
                assert_eq!(whole_messages(&encoded[..seam - 1], known), before);
            }
        }
    }
}
