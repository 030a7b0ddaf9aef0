//! What a client says of itself in `connect`. [RTMP 7.2.1.1]

use crate::amf0::{Properties, Value};
use crate::session::Capabilities;
use crate::session::limits::INFORMATION_BYTES_MAX;
use crate::text::Text;

/// The command object of `connect`, as far as anybody uses it. `Debug` shows lengths, not text.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ConnectInfo {
    /// The app as it came: it may hold a query, slashes, or be empty.
    pub app: Text,
    /// The URL that the client thinks it called.
    pub tc_url: Option<Text>,
    /// What the client is; cut to 256 bytes.
    pub flash_ver: Option<Text>,
    /// The page that the player is on; cut to 256 bytes.
    pub page_url: Option<Text>,
    /// The player file; cut to 256 bytes.
    pub swf_url: Option<Text>,
    /// True when `type` is `nonprivate`, which publishers say: a hint only.
    pub is_publisher_like: bool,
    /// 0, or 3 for a client that may send AMF3.
    pub object_encoding: f64,
    /// Enhanced RTMP capabilities.
    pub capabilities: Capabilities,
}

impl ConnectInfo {
    /// Reads the command object; `None` when there is no app. [WIRE 095]
    #[must_use]
    pub fn from_properties(properties: &Properties) -> Option<Self> {
        let text = |name| properties.get(name).and_then(Value::as_text);
        let information = |name| text(name).map(|text| copy(text, INFORMATION_BYTES_MAX));
        Some(Self {
            app: copy(text("app")?, usize::MAX),
            tc_url: text("tcUrl").or_else(|| text("tcurl")).map(unquoted),
            flash_ver: information("flashVer"),
            page_url: information("pageUrl"),
            swf_url: information("swfUrl"),
            is_publisher_like: text("type").is_some_and(|kind| kind == "nonprivate"),
            object_encoding: properties
                .get("objectEncoding")
                .and_then(Value::as_number)
                .unwrap_or(0.0),
            capabilities: Capabilities::from_properties(properties),
        })
    }
}

/// Quirk: Neko wraps tcUrl in single quotes; others spell its key `tcurl`. [WIRE 095]
fn unquoted(text: &Text) -> Text {
    let bytes = text.as_bytes();
    let inner = bytes
        .strip_prefix(b"'")
        .and_then(|rest| rest.strip_suffix(b"'"));
    Text::copy_from_bytes(inner.unwrap_or(bytes))
}

/// A copy that does not hold on to the message it came in.
fn copy(text: &Text, bytes_max: usize) -> Text {
    let bytes = text.as_bytes();
    Text::copy_from_bytes(bytes.get(..bytes_max).unwrap_or(bytes))
}
