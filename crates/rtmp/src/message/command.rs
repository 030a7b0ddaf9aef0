//! Commands: types 20 and 17. [RTMP 7.1.1]

use std::fmt;

use bytes::{Bytes, BytesMut};

use crate::amf0::{self, AmfError, Decoder, Value};
use crate::limits::AmfLimits;
use crate::text::Text;

/// A transaction id as its eight bytes, so that an echo is exact, fractions and NaN included. [WIRE 092]
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct TransactionId(u64);

impl TransactionId {
    /// "No reply wanted". [WIRE 091]
    pub const NONE: Self = Self(0);

    /// The id of this number.
    #[must_use]
    pub const fn new(number: f64) -> Self {
        Self(number.to_bits())
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> f64 {
        f64::from_bits(self.0)
    }

    /// True when the sender wants no reply: zero, of either sign.
    #[must_use]
    pub fn is_none(self) -> bool {
        self.number() == 0.0
    }
}

impl fmt::Debug for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TransactionId({})", self.number())
    }
}

/// A command or a reply: name, transaction id, command object and arguments.
#[derive(Clone, PartialEq)]
pub struct Command {
    /// The name, matched exactly: `connect`, `_result`, `onStatus`.
    pub name: Text,
    /// Ties a reply to its request.
    pub transaction: TransactionId,
    /// The command object, or the properties of a reply; [`Value::Null`] when it has none.
    pub object: Value,
    /// What follows, as many as arrived complete.
    pub arguments: Vec<Value>,
}

impl Command {
    /// A command with a null object and no arguments.
    #[must_use]
    pub const fn new(name: &'static str, transaction: TransactionId) -> Self {
        Self {
            name: Text::from_static(name),
            transaction,
            object: Value::Null,
            arguments: Vec::new(),
        }
    }

    /// `_result` for a request.
    #[must_use]
    pub fn result(transaction: TransactionId) -> Self {
        Self::new("_result", transaction)
    }

    /// `_error` for a request; its object stays null, or players do not find the description.
    #[must_use]
    pub fn error(transaction: TransactionId) -> Self {
        Self::new("_error", transaction)
    }

    /// The same command with this object.
    #[must_use]
    pub fn with_object(mut self, object: Value) -> Self {
        self.object = object;
        self
    }

    /// The same command with one more argument.
    #[must_use]
    pub fn with_argument(mut self, argument: impl Into<Value>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// The argument at `index`, counted after the command object.
    #[must_use]
    pub fn argument(&self, index: usize) -> Option<&Value> {
        self.arguments.get(index)
    }

    /// Decodes the body of a type 20 message. A truncated value at the end is left out.
    ///
    /// A transaction id that is no number counts as [`TransactionId::NONE`], a missing object as null.
    ///
    /// # Errors
    /// [`AmfError`] when the name is missing or no string, or when a value is broken or too deep.
    pub fn decode(body: &[u8], limits: AmfLimits) -> Result<Self, AmfError> {
        let mut values = Decoder::new(body, limits);
        let name = values
            .next_value()?
            .as_ref()
            .and_then(Value::as_text)
            .cloned()
            .ok_or(AmfError::NotAString)?;
        let transaction = next_complete(&mut values)?
            .and_then(|value| value.as_number())
            .map_or(TransactionId::NONE, TransactionId::new);
        let object = next_complete(&mut values)?.unwrap_or(Value::Null);
        let mut arguments = Vec::new();
        while let Some(argument) = next_complete(&mut values)? {
            arguments.push(argument);
        }
        Ok(Self {
            name,
            transaction,
            object,
            arguments,
        })
    }

    /// Decodes the body of a type 17 message: the format byte 0, or nothing, before AMF0 values. [WIRE 085] [WIRE 086]
    ///
    /// # Errors
    /// As [`Command::decode`].
    pub fn decode_amf3(body: &[u8], limits: AmfLimits) -> Result<Self, AmfError> {
        // A name never starts with 00, the marker of numbers.
        Self::decode(body.strip_prefix(&[0]).unwrap_or(body), limits)
    }

    /// Appends the body of a type 20 message.
    pub fn encode(&self, out: &mut BytesMut) {
        amf0::put_string(self.name.as_bytes(), out);
        Value::Number(self.transaction.number()).encode(out);
        self.object.encode(out);
        for argument in &self.arguments {
            argument.encode(out);
        }
    }

    /// The body of a type 20 message.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        let mut out = BytesMut::new();
        self.encode(&mut out);
        out.freeze()
    }
}

/// The next value, or `None` when it is missing or cut short.
fn next_complete(values: &mut Decoder<'_>) -> Result<Option<Value>, AmfError> {
    match values.next_value() {
        Err(AmfError::Truncated) => Ok(None),
        other => other,
    }
}

/// Shows the name and the id; arguments carry keys and are counted only.
impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Command")
            .field("name", &self.name.to_str_lossy())
            .field("transaction", &self.transaction)
            .field("arguments", &self.arguments.len())
            .finish_non_exhaustive()
    }
}
