//! What a server answers, in the layout that every known client takes.

use super::ConnectInfo;
use crate::amf0::{Properties, Value};
use crate::message::{Command, MessageStreamId, TransactionId};
use crate::session::Capabilities;
use crate::status::{Code, Status};

/// Which server we say we are: the form that clients look for. No client parses more of it.
const FMS_VER: &str = "FMS/3,0,1,123";
/// The capability bits of that server.
const CAPABILITIES: f64 = 31.0;
/// The mode of that server.
const MODE: f64 = 1.0;

/// `|RtmpSampleAccess`: scripts of a player may read audio and video samples.
pub(super) const SAMPLE_ACCESS: &[u8] = b"\x02\x00\x11|RtmpSampleAccess\x01\x01\x01\x01";

/// `_result` of `connect`. [WIRE 097] Enhanced RTMP keys stand in both objects, if the client has any. [WIRE 158]
pub(super) fn connect_result(
    transaction: TransactionId,
    connect: &ConnectInfo,
    capabilities: &Capabilities,
) -> Command {
    let mut properties = Properties::new()
        .with("fmsVer", FMS_VER)
        .with("capabilities", CAPABILITIES)
        .with("mode", MODE);
    let mut info = Status::new(Code::ConnectSuccess, "Connection succeeded.")
        .properties()
        .with("objectEncoding", 0.0);
    if !connect.capabilities.is_none() {
        capabilities.append_to(&mut properties);
        capabilities.append_to(&mut info);
    }
    Command::result(transaction)
        .with_object(properties.into())
        .with_argument(info)
}

/// A request to open a new connection; without `tc_url` to where this one went. [E-RTMP v2: Reconnect Request]
pub(super) fn reconnect_request(status: &Status, tc_url: Option<&str>) -> Command {
    let mut info = status.properties();
    if let Some(tc_url) = tc_url {
        info.push("tcUrl", tc_url);
    }
    Command::new("onStatus", TransactionId::NONE).with_argument(info)
}

/// `_error` of a request; its object stays null. [WIRE 098]
pub(super) fn error(transaction: TransactionId, status: &Status) -> Command {
    Command::error(transaction).with_argument(status.properties())
}

/// `_result` of `createStream`: exactly this. [WIRE 105]
pub(super) fn create_stream_result(transaction: TransactionId, id: MessageStreamId) -> Command {
    Command::result(transaction).with_argument(id.to_number())
}

/// `_result` of `getStreamLength`: a live stream has none. [WIRE 109]
pub(super) fn stream_length_result(transaction: TransactionId) -> Command {
    Command::result(transaction).with_argument(0.0)
}

/// `onFCPublish`: some appliances wait for it. [WIRE 114]
pub(super) fn on_fc_publish() -> Command {
    let info = Properties::new()
        .with("code", Code::PublishStart.as_str())
        .with("description", "FCPublish accepted.");
    Command::new("onFCPublish", TransactionId::NONE).with_argument(Value::Object(info))
}

/// `onFCSubscribe`.
pub(super) fn on_fc_subscribe() -> Command {
    let info = Status::new(Code::PlayStart, "Subscribed.").properties();
    Command::new("onFCSubscribe", TransactionId::NONE).with_argument(info)
}
