//! Messages as lines of text, so that a dialogue can be read.

use std::fmt::Write as _;

use bongsu_rtmp::amf0::{self, Value};
use bongsu_rtmp::chunk;
use bongsu_rtmp::limits::AmfLimits;
use bongsu_rtmp::message::{self, Command, Message};

/// `chunk stream/message stream what`, as in `3/0 createStream(4, null)`.
pub(crate) fn told(message: &chunk::Message) -> String {
    let place = format!("{}/{}", message.chunk_stream.get(), message.stream.0);
    let payload = || hex(&message.payload);
    let what = match message::decode(message, AmfLimits::default()).unwrap() {
        Message::Control(control) => format!("{control:?}"),
        Message::UserControl(control) => format!("{control:?}"),
        Message::Command(command) => told_command(&command),
        Message::Audio(_) => format!("audio @{} {}", message.timestamp, payload()),
        Message::Video(_) => format!("video @{} {}", message.timestamp, payload()),
        Message::Data(_) => {
            let values = amf0::decode_all(&message.payload, AmfLimits::default()).unwrap();
            let values: Vec<String> = values.iter().map(told_value).collect();
            format!("data @{} {}", message.timestamp, values.join(", "))
        }
        other => format!("{other:?}"),
    };
    format!("{place} {what}")
}

fn told_command(command: &Command) -> String {
    let mut text = format!(
        "{}({}, {}",
        command.name.to_str_lossy(),
        command.transaction.number(),
        told_value(&command.object)
    );
    for argument in &command.arguments {
        let _ = write!(text, ", {}", told_value(argument));
    }
    text.push(')');
    text
}

fn told_value(value: &Value) -> String {
    match value {
        Value::Number(number) => number.to_string(),
        Value::Boolean(truth) => truth.to_string(),
        Value::String(text) => format!("{:?}", text.to_str_lossy()),
        Value::Null => "null".to_owned(),
        Value::StrictArray(values) => {
            let values: Vec<String> = values.iter().map(told_value).collect();
            format!("[{}]", values.join(", "))
        }
        Value::Object(properties) => {
            let pairs: Vec<String> = properties
                .iter()
                .map(|(name, value)| format!("{}: {}", name.to_str_lossy(), told_value(value)))
                .collect();
            format!("{{{}}}", pairs.join(", "))
        }
        other => format!("{other:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
