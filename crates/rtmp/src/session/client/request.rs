//! What a client says: the commands, in the form that every known server takes. [WIRE 182] [WIRE 183]

use super::{ClientConfig, Role};
use crate::amf0::{Properties, Value};
use crate::message::{Command, MessageStreamId, TransactionId};
use crate::text::Text;

/// flashVer of a publisher: the family that platforms let in.
const FLASH_VER_PUBLISH: &str = concat!(
    "FMLE/3.0 (compatible; bongsu/",
    env!("CARGO_PKG_VERSION"),
    ")"
);
/// flashVer of a player.
const FLASH_VER_PLAY: &str = "LNX 9,0,124,2";
/// audioCodecs of a player: all that have a bit, as the most used player says it. [RTMP 7.2.1.1]
const AUDIO_CODECS: f64 = 4071.0;
/// videoCodecs of a player: all that have a bit. [RTMP 7.2.1.1]
const VIDEO_CODECS: f64 = 252.0;
/// videoFunction of a player: it can seek. [RTMP 7.2.1.1]
const VIDEO_FUNCTION_SEEK: u32 = 1;
/// The start argument of `play`: live, or a recording when nobody is live. In milliseconds by an old mistake that
/// every server knows.
const PLAY_START: f64 = -2000.0;
/// Buffer of a player that we announce, in milliseconds.
pub(super) const BUFFER_MS: u32 = 3_000;

pub(super) fn connect(config: &ClientConfig, transaction: TransactionId) -> Command {
    let tc_url = config.url.tc_url();
    let mut properties = Properties::new().with("app", config.url.app());
    let flash_ver = match config.role {
        Role::Publish => {
            properties.push("type", "nonprivate");
            FLASH_VER_PUBLISH
        }
        Role::Play => FLASH_VER_PLAY,
    };
    properties.push("flashVer", flash_ver);
    properties.push("swfUrl", tc_url.as_str());
    properties.push("tcUrl", tc_url);
    let mut capabilities = config.capabilities.clone();
    if config.role == Role::Play {
        properties.push("audioCodecs", AUDIO_CODECS);
        properties.push("videoCodecs", VIDEO_CODECS);
        let function = capabilities.video_function.unwrap_or(0);
        capabilities.video_function = Some(function | VIDEO_FUNCTION_SEEK);
    }
    capabilities.append_to(&mut properties);
    Command::new("connect", transaction).with_object(properties.into())
}

pub(super) fn release_stream(name: &str, transaction: TransactionId) -> Command {
    Command::new("releaseStream", transaction).with_argument(name)
}

pub(super) fn fc_publish(name: &str, transaction: TransactionId) -> Command {
    Command::new("FCPublish", transaction).with_argument(name)
}

pub(super) fn create_stream(transaction: TransactionId) -> Command {
    Command::new("createStream", transaction)
}

/// `secureTokenResponse`: nothing answers it, so that it has no transaction.
pub(super) fn secure_token_response(answer: Text) -> Command {
    Command::new("secureTokenResponse", TransactionId::NONE).with_argument(Value::String(answer))
}

/// `publish` or `play`.
pub(super) fn start(config: &ClientConfig, transaction: TransactionId) -> Command {
    let name = config.url.stream_name();
    match config.role {
        Role::Publish => Command::new("publish", transaction)
            .with_argument(name)
            .with_argument("live"),
        Role::Play => Command::new("play", transaction)
            .with_argument(name)
            .with_argument(PLAY_START),
    }
}

pub(super) fn fc_unpublish(name: &str, transaction: TransactionId) -> Command {
    Command::new("FCUnpublish", transaction).with_argument(name)
}

pub(super) fn delete_stream(stream: MessageStreamId, transaction: TransactionId) -> Command {
    Command::new("deleteStream", transaction).with_argument(stream.to_number())
}
