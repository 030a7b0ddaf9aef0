//! What a complete message says: control, user control, command, data or media.
//!
//! [`decode`] turns a reassembled [`chunk::Message`] into a [`Message`]. The parts also
//! stand alone: [`Control`], [`UserControl`], [`Command`], [`Data`], [`media::Aggregate`].

mod command;
mod control;
mod data;
pub mod media;
mod user_control;

pub use command::{Command, TransactionId};
pub use control::{BandwidthLimit, Control};
pub use data::{Data, SET_DATA_FRAME};
pub use media::MediaKind;
pub use user_control::UserControl;

use bytes::Bytes;

use crate::amf0::AmfError;
use crate::chunk;
use crate::limits::AmfLimits;

/// Identifies a message stream of a connection; 0 is the connection itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct MessageStreamId(pub u32);

impl MessageStreamId {
    /// The connection: `connect`, `createStream` and protocol control use it.
    pub const CONNECTION: Self = Self(0);
    /// The first id that `createStream` hands out; some clients accept no other. [WIRE 104]
    pub const FIRST: Self = Self(1);

    /// An id from an AMF number; `None` when it is not a whole number from 0 to 2^32-1. [WIRE 094]
    #[must_use]
    pub fn from_number(number: f64) -> Option<Self> {
        let whole = number.is_finite() && number.fract() == 0.0;
        if !whole || !(0.0..=f64::from(u32::MAX)).contains(&number) {
            return None;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a whole number within u32, as checked above"
        )]
        Some(Self(number as u32))
    }

    /// The id as AMF writes it.
    #[must_use]
    pub fn to_number(self) -> f64 {
        f64::from(self.0)
    }
}

/// The type id of a message. [RTMP 5.4, 7.1]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MessageType {
    /// 1: the sender's chunk size changes.
    SetChunkSize,
    /// 2: a partial message is given up.
    Abort,
    /// 3: bytes received so far.
    Acknowledgement,
    /// 4: stream events and pings.
    UserControl,
    /// 5: how often the receiver should acknowledge.
    WindowAcknowledgementSize,
    /// 6: a wish for the receiver's window.
    SetPeerBandwidth,
    /// 8: an FLV audio tag body.
    Audio,
    /// 9: an FLV video tag body.
    Video,
    /// 15: data with a format byte.
    DataAmf3,
    /// 16: a shared object with a format byte.
    SharedObjectAmf3,
    /// 17: a command with a format byte.
    CommandAmf3,
    /// 18: data.
    DataAmf0,
    /// 19: a shared object.
    SharedObjectAmf0,
    /// 20: a command.
    CommandAmf0,
    /// 22: FLV tags in one message.
    Aggregate,
    /// Any other id; such messages are skipped. [WIRE 049]
    Unknown(u8),
}

impl MessageType {
    /// The type with this id.
    #[must_use]
    pub const fn from_id(id: u8) -> Self {
        match id {
            1 => Self::SetChunkSize,
            2 => Self::Abort,
            3 => Self::Acknowledgement,
            4 => Self::UserControl,
            5 => Self::WindowAcknowledgementSize,
            6 => Self::SetPeerBandwidth,
            8 => Self::Audio,
            9 => Self::Video,
            15 => Self::DataAmf3,
            16 => Self::SharedObjectAmf3,
            17 => Self::CommandAmf3,
            18 => Self::DataAmf0,
            19 => Self::SharedObjectAmf0,
            20 => Self::CommandAmf0,
            22 => Self::Aggregate,
            other => Self::Unknown(other),
        }
    }

    /// The id on the wire.
    #[must_use]
    pub const fn id(self) -> u8 {
        match self {
            Self::SetChunkSize => 1,
            Self::Abort => 2,
            Self::Acknowledgement => 3,
            Self::UserControl => 4,
            Self::WindowAcknowledgementSize => 5,
            Self::SetPeerBandwidth => 6,
            Self::Audio => 8,
            Self::Video => 9,
            Self::DataAmf3 => 15,
            Self::SharedObjectAmf3 => 16,
            Self::CommandAmf3 => 17,
            Self::DataAmf0 => 18,
            Self::SharedObjectAmf0 => 19,
            Self::CommandAmf0 => 20,
            Self::Aggregate => 22,
            Self::Unknown(id) => id,
        }
    }

    /// True for types 1 to 6, which act on the connection whatever stream they came on. [WIRE 029]
    #[must_use]
    pub const fn is_control(self) -> bool {
        matches!(
            self,
            Self::SetChunkSize
                | Self::Abort
                | Self::Acknowledgement
                | Self::UserControl
                | Self::WindowAcknowledgementSize
                | Self::SetPeerBandwidth
        )
    }

    /// True for audio, video, data and aggregates: what a publisher streams.
    #[must_use]
    pub const fn is_media(self) -> bool {
        matches!(
            self,
            Self::Audio | Self::Video | Self::DataAmf0 | Self::DataAmf3 | Self::Aggregate
        )
    }
}

/// A decoded message.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Message {
    /// Types 1, 2, 3, 5, 6. The chunk decoder has already applied chunk size and abort.
    Control(Control),
    /// Type 4.
    UserControl(UserControl),
    /// Types 17 and 20.
    Command(Command),
    /// Types 15 and 18, whose first value is a string.
    Data(Data),
    /// Type 8; may be empty, which means silence. [WIRE 139]
    Audio(Bytes),
    /// Type 9.
    Video(Bytes),
    /// Type 22, not yet split: see [`media::Aggregate::new`].
    Aggregate(Bytes),
    /// Nothing to act on; skip and count.
    Ignored(Ignored),
}

/// Why a message means nothing to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ignored {
    /// A type id that is not assigned. [WIRE 049]
    UnknownType(u8),
    /// Types 16 and 19. [WIRE 088]
    SharedObject,
    /// A data message that does not begin with a string. [WIRE 093]
    UnnamedData,
    /// A user control event whose data is shorter than its kind needs. [WIRE 069]
    ShortUserControl,
}

/// A message that breaks the protocol: the connection cannot go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    /// A control message shorter than its fixed size. [WIRE 072]
    #[error("control message of type {id} has only {len} bytes")]
    ShortControl {
        /// The type id.
        id: u8,
        /// Its length in bytes.
        len: usize,
    },
    /// A command without a readable name, or with a broken value in it.
    #[error("unreadable command: {0}")]
    Command(#[source] AmfError),
}

/// Decodes a complete message.
///
/// # Errors
/// [`MessageError`] for a short control message or an unreadable command. Odd data and unknown types are
/// [`Message::Ignored`], never errors.
pub fn decode(message: &chunk::Message, limits: AmfLimits) -> Result<Message, MessageError> {
    let payload = &message.payload;
    let kind = message.message_type;
    Ok(match kind {
        MessageType::UserControl => UserControl::decode(payload).map_or(
            Message::Ignored(Ignored::ShortUserControl),
            Message::UserControl,
        ),
        MessageType::CommandAmf0 => Command::decode(payload, limits)
            .map(Message::Command)
            .map_err(MessageError::Command)?,
        MessageType::CommandAmf3 => Command::decode_amf3(payload, limits)
            .map(Message::Command)
            .map_err(MessageError::Command)?,
        MessageType::DataAmf0 => named(Data::decode(payload)),
        MessageType::DataAmf3 => named(Data::decode_amf3(payload)),
        MessageType::Audio => Message::Audio(payload.clone()),
        MessageType::Video => Message::Video(payload.clone()),
        MessageType::Aggregate => Message::Aggregate(payload.clone()),
        MessageType::SharedObjectAmf0 | MessageType::SharedObjectAmf3 => {
            Message::Ignored(Ignored::SharedObject)
        }
        _ => match Control::decode(kind, payload)? {
            Some(control) => Message::Control(control),
            None => Message::Ignored(Ignored::UnknownType(kind.id())),
        },
    })
}

fn named(data: Option<Data>) -> Message {
    data.map_or(Message::Ignored(Ignored::UnnamedData), Message::Data)
}
