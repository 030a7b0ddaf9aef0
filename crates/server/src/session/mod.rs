//! A connection of a publisher or a player: the socket and its task around [`bongsu_rtmp::session::ServerSession`].
//!
//! The way of a byte: [`connection`] reads it and hands it to the session, [`publish`] takes the session's media to the
//! stream, [`play`] lets the stream's fan-out write to the socket. [`close`] says goodbye and writes the one log line.
//! Connections with several streams have the further ones in [`side`].

mod close;
mod connection;
mod ending;
mod outbox;
mod play;
mod playing;
mod publish;
mod refusal;
mod side;

pub(crate) use side::{Put, Sender, Start as SideStart, Up, start as start_side};

use std::net::{SocketAddr, TcpStream};
use std::rc::Rc;
use std::time::Instant;

use bongsu_rtmp::message::MessageStreamId;
use bongsu_rtmp::session::ServerSession;
use bongsu_rtmp::session::server::RequestId;
use bongsu_rtmp::url::StreamPath;

use crate::listen::Permit;
use crate::shared::{OpenConnection, Shared, seed};
use crate::telemetry::CloseReason;
use crate::worker::Worker;
use close::Part;
use connection::Connection;
use outbox::Outbox;

/// A connection that was just accepted, on its way to a worker.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) socket: TcpStream,
    pub(crate) peer: SocketAddr,
    pub(crate) permit: Permit,
    pub(crate) id: u64,
    pub(crate) open: OpenConnection,
}

/// A connection on its way to the worker where its stream lives.
#[derive(Debug)]
pub(crate) struct Moved {
    socket: TcpStream,
    session: ServerSession,
    facts: Facts,
    outbox: Outbox,
    request: Box<Request>,
}

/// What is known of a connection, wherever it lives.
#[derive(Debug)]
struct Facts {
    id: u64,
    peer: SocketAddr,
    accepted: Instant,
    /// Bytes received.
    received: u64,
    /// Bytes sent, those of the fan-out included once it is over.
    sent: u64,
    /// What players of the connection missed.
    drops: bongsu_hub::Drops,
    permit: Permit,
    /// Whether it was asked for a new connection, because the server drains.
    asked_to_reconnect: bool,
    /// Counts the connection for as long as it lives.
    _open: OpenConnection,
}

/// A request that was allowed and waits for its stream.
#[derive(Debug)]
enum Request {
    Publish(publish::Request),
    Play(play::Request),
}

impl Request {
    /// The stream it is about.
    const fn path(&self) -> &StreamPath {
        match self {
            Self::Publish(request) => request.path(),
            Self::Play(request) => request.path(),
        }
    }

    /// What the session wants to be decided.
    const fn id(&self) -> RequestId {
        match self {
            Self::Publish(request) => request.request(),
            Self::Play(request) => request.request(),
        }
    }

    /// The message stream it is about.
    const fn message_stream(&self) -> MessageStreamId {
        match self {
            Self::Publish(request) => request.message_stream(),
            Self::Play(request) => request.message_stream(),
        }
    }
}

impl Arrival {
    /// The server is going down before the connection had a task.
    pub(crate) fn turn_away(self, shared: &Shared) {
        self.into_parts()
            .1
            .report(shared, &Part::NONE, &CloseReason::Shutdown);
    }

    fn into_parts(self) -> (TcpStream, Facts) {
        let facts = Facts {
            id: self.id,
            peer: self.peer,
            accepted: Instant::now(),
            received: 0,
            sent: 0,
            drops: bongsu_hub::Drops::default(),
            permit: self.permit,
            asked_to_reconnect: false,
            _open: self.open,
        };
        (self.socket, facts)
    }
}

impl Moved {
    /// The server is going down while the connection is on its way.
    pub(crate) fn turn_away(self, shared: &Shared) {
        self.facts
            .report(shared, &Part::NONE, &CloseReason::Shutdown);
    }
}

/// Starts the task of a new connection.
pub(crate) fn arrive(worker: &Rc<Worker>, arrival: Arrival) {
    let (socket, facts) = arrival.into_parts();
    let config = worker.shared().session_config.clone();
    let session = ServerSession::new(config, seed(), facts.accepted);
    start(worker, socket, session, facts, Outbox::default(), None);
}

/// Goes on with a connection that came from another worker.
pub(crate) fn settle_in(worker: &Rc<Worker>, moved: Moved) {
    let Moved {
        socket,
        session,
        facts,
        outbox,
        request,
    } = moved;
    start(worker, socket, session, facts, outbox, Some(request));
}

fn start(
    worker: &Rc<Worker>,
    socket: TcpStream,
    session: ServerSession,
    facts: Facts,
    outbox: Outbox,
    request: Option<Box<Request>>,
) {
    match tokio::net::TcpStream::from_std(socket) {
        Ok(socket) => {
            let connection = Connection::new(worker, socket, session, facts, outbox);
            connection.enlist(request.is_some());
            worker.spawn(Box::new(connection).run(request));
        }
        Err(error) => {
            facts.report(
                worker.shared(),
                &Part::NONE,
                &CloseReason::Broken(error.kind()),
            );
        }
    }
}
