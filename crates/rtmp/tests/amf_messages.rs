//! Goal: commands, data messages and statuses read and write as the golden vectors say.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod amf_support;

use amf_support::hex;
use bongsu_rtmp::amf0::{AmfError, Properties, Value};
use bongsu_rtmp::amf3;
use bongsu_rtmp::limits::{AmfLimits, Limit, LimitExceeded};
use bongsu_rtmp::message::{Command, Data, TransactionId};
use bongsu_rtmp::status::{Code, Level, Received, Status};
use bytes::Bytes;

fn decode(row: &str) -> Command {
    Command::decode(&hex(row), AmfLimits::default()).unwrap()
}

fn decode_amf3(row: &str) -> Result<Command, AmfError> {
    Command::decode_amf3(&hex(row), AmfLimits::default())
}

fn tid(number: f64) -> TransactionId {
    TransactionId::new(number)
}

/// Reads the row as the command and writes the command as the row.
fn same(row: &str, command: &Command) {
    assert_eq!(&decode(row), command);
    assert_eq!(command.to_bytes(), hex(row));
}

#[test]
fn v23_connect() {
    let object = Properties::new()
        .with("app", "live")
        .with("type", "nonprivate")
        .with("flashVer", "FMLE/3.0 (compatible; FMSc/1.0)")
        .with("swfUrl", "rtmp://h/live")
        .with("tcUrl", "rtmp://h/live");
    same(
        "02000763 6f6e6e65 6374003f f0000000 00000003 00036170 70020004 6c697665
         00047479 70650200 0a6e6f6e 70726976 61746500 08666c61 73685665 7202001f
         464d4c45 2f332e30 2028636f 6d706174 69626c65 3b20464d 53632f31 2e302900
         06737766 55726c02 000d7274 6d703a2f 2f682f6c 69766500 05746355 726c0200
         0d72746d 703a2f2f 682f6c69 76650000 09",
        &Command::new("connect", tid(1.0)).with_object(object.into()),
    );
}

#[test]
fn v25_result_of_connect() {
    let properties = Properties::new()
        .with("fmsVer", "FMS/3,0,1,123")
        .with("capabilities", 31.0);
    let status = Status::new(Code::ConnectSuccess, "Connection succeeded.");
    same(
        "0200075f 72657375 6c74003f f0000000 00000003 0006666d 73566572 02000d46
         4d532f33 2c302c31 2c313233 000c6361 70616269 6c697469 65730040 3f000000
         00000000 00090300 056c6576 656c0200 06737461 74757300 04636f64 6502001d
         4e657443 6f6e6e65 6374696f 6e2e436f 6e6e6563 742e5375 63636573 73000b64
         65736372 69707469 6f6e0200 15436f6e 6e656374 696f6e20 73756363 65656465
         642e000e 6f626a65 6374456e 636f6469 6e670000 00000000 00000000 0009",
        &Command::result(tid(1.0))
            .with_object(properties.into())
            .with_argument(status.properties().with("objectEncoding", 0.0)),
    );
}

#[test]
fn v26_to_v28_and_v30_commands_of_clients() {
    for (row, command) in [
        (
            "02000d72 656c6561 73655374 7265616d 00400000 00000000 00050200 016b",
            Command::new("releaseStream", tid(2.0)).with_argument("k"),
        ),
        (
            "02000946 43507562 6c697368 00400800 00000000 00050200 016b",
            Command::new("FCPublish", tid(3.0)).with_argument("k"),
        ),
        (
            "02000c63 72656174 65537472 65616d00 40100000 00000000 05",
            Command::new("createStream", tid(4.0)),
        ),
        (
            "0200075f 72657375 6c740040 10000000 00000005 003ff000 00000000 00",
            Command::result(tid(4.0)).with_argument(1.0),
        ),
        (
            "02000770 75626c69 73680040 14000000 00000005 0200016b 0200046c 697665",
            Command::new("publish", tid(5.0))
                .with_argument("k")
                .with_argument("live"),
        ),
        (
            "02000470 6c617900 40100000 00000000 05020001 6b00c09f 40000000 0000",
            Command::new("play", tid(4.0))
                .with_argument("k")
                .with_argument(-2000.0),
        ),
    ] {
        same(row, &command);
    }
}

/// [WIRE 081] [WIRE 112]
#[test]
fn v29_and_v33_statuses() {
    let started = Status::new(Code::PublishStart, "Publishing.");
    same(
        "0200086f 6e537461 74757300 00000000 00000000
         05030005 6c657665 6c020006 73746174 75730004 636f6465 0200174e 65745374
         7265616d 2e507562 6c697368 2e537461 7274000b 64657363 72697074 696f6e02
         000b5075 626c6973 68696e67 2e000009",
        &started.to_command(),
    );
    let reconnect = Status::new(Code::ConnectReconnectRequest, "maintenance");
    let info = reconnect.properties().with("tcUrl", "rtmp://b/live");
    same(
        "0200086f 6e537461 74757300 00000000 00000000 05030005 6c657665 6c020006
         73746174 75730004 636f6465 0200264e 6574436f 6e6e6563 74696f6e 2e436f6e
         6e656374 2e526563 6f6e6e65 63745265 71756573 74000b64 65736372 69707469
         6f6e0200 0b6d6169 6e74656e 616e6365 00057463 55726c02 000d7274 6d703a2f
         2f622f6c 69766500 0009",
        &Command::new("onStatus", TransactionId::NONE).with_argument(info),
    );
}

#[test]
fn v49_capabilities() {
    let all = || Properties::new().with("*", 4.0);
    let capabilities = Properties::new()
        .with("fourCcList", Value::StrictArray(vec![Value::text("*")]))
        .with("videoFourCcInfoMap", all())
        .with("audioFourCcInfoMap", all())
        .with("capsEx", 7.0);
    let mut out = bytes::BytesMut::new();
    Value::Object(capabilities).encode(&mut out);
    let properties = "000a666f 75724363 4c697374 0a000000 01020001 2a001276 6964656f 466f7572
         4363496e 666f4d61 70030001 2a004010 00000000 00000000 09001261 7564696f
         466f7572 4363496e 666f4d61 70030001 2a004010 00000000 00000000 09000663
         61707345 7800401c 00000000 0000";
    assert_eq!(out, hex(&format!("03 {properties} 000009")));
}

/// [WIRE 085] [WIRE 086]
#[test]
fn v34_type_17_is_type_20_behind_a_format_byte() {
    let create = Command::new("createStream", tid(4.0));
    let plain = "02000c63726561746553747265616d00401000000000000005";
    assert_eq!(decode_amf3(&format!("00{plain}")), Ok(create.clone()));
    assert_eq!(decode_amf3(plain), Ok(create.clone()));
    let command = decode_amf3("0002000c63726561746553747265616d0040100000000000001101").unwrap();
    assert_eq!(command.object, Value::Amf3(Box::new(amf3::Value::Null)));
    assert!(command.object.is_nothing());
    assert_eq!(
        command.to_bytes(),
        hex("02000c63726561746553747265616d0040100000000000001101")
    );
    assert_eq!(decode_amf3("00"), Err(AmfError::NotAString));
    assert_eq!(decode_amf3("0000"), Err(AmfError::Truncated));
    assert_eq!(decode_amf3("0305"), Err(AmfError::Truncated));
}

#[test]
fn a_command_keeps_what_arrived_complete() {
    let publish = "02000770 75626c69 73680040 14000000 00000005 0200016b 0200046c 697665";
    let whole = hex(publish);
    let cut = |len: usize| Command::decode(&whole[..len], AmfLimits::default());
    let named = Command::new("publish", TransactionId::NONE);
    let numbered = Command::new("publish", tid(5.0));
    let keyed = numbered.clone().with_argument("k");
    for len in 0..whole.len() {
        let expected = match len {
            0 => Err(AmfError::NotAString),
            1..10 => Err(AmfError::Truncated),
            10..19 => Ok(named.clone()),
            19..24 => Ok(numbered.clone()),
            _ => Ok(keyed.clone()),
        };
        assert_eq!(cut(len), expected, "{len}");
    }
    assert_eq!(cut(whole.len()), Ok(keyed.with_argument("live")));
}

#[test]
fn an_unreadable_command_is_an_error() {
    let decode = |row: &str| Command::decode(&hex(row), AmfLimits::default()).unwrap_err();
    assert_eq!(decode("05"), AmfError::NotAString);
    assert_eq!(decode("003ff0000000000000"), AmfError::NotAString);
    assert_eq!(
        decode("02000161 003ff0000000000000 05 04"),
        AmfError::Marker(4)
    );
    let limits = AmfLimits {
        depth: 1,
        values: 10,
    };
    let deep = hex("02000161 003ff0000000000000 0a00000001 0a00000000");
    assert_eq!(
        Command::decode(&deep, limits),
        Err(AmfError::Limit(LimitExceeded {
            limit: Limit::AmfDepth,
            got: 2,
            max: 1
        }))
    );
}

#[test]
fn a_transaction_id_that_is_no_number_wants_no_reply() {
    let command = decode("02000161 05 0200016b 0101");
    assert!(command.transaction.is_none());
    assert_eq!(command.object, Value::text("k"));
    assert_eq!(command.argument(0), Some(&Value::Boolean(true)));
    assert_eq!(command.argument(1), None);
    assert!(tid(-0.0).is_none());
    assert!(!tid(0.5).is_none());
    assert!(!tid(f64::NAN).is_none());
}

#[test]
fn debug_of_a_command_shows_no_argument() {
    let command = Command::new("publish", tid(5.0)).with_argument("canary");
    let shown = format!("{command:?}");
    assert!(shown.contains("publish") && shown.contains("TransactionId(5)"));
    assert!(!shown.contains("canary"));
}

const METADATA: &str = "02000a6f 6e4d6574 61446174 61 080000
    00020005 77696474 68004094 00000000 0000000c 76696465 6f636f64 65636964
    00401c00 00000000 00000009";
const SET: &str = "02000d 40736574 44617461 4672616d 65";

fn data(row: &str) -> Option<Data> {
    Data::decode(&Bytes::from(hex(row)))
}

fn data_amf3(row: &str) -> Option<Data> {
    Data::decode_amf3(&Bytes::from(hex(row)))
}

fn set(row: &str) -> Data {
    Data::Set {
        name: "onMetaData".into(),
        body: hex(row).into(),
    }
}

/// [WIRE 118]
#[test]
fn v32_metadata_with_and_without_set_data_frame() {
    let found = data(&format!("{SET} {METADATA}")).unwrap();
    assert_eq!(found, set(METADATA));
    assert!(found.is_metadata());
    let bare = data(METADATA).unwrap();
    let event = Data::Event {
        name: "onMetaData".into(),
        body: hex(METADATA).into(),
    };
    assert_eq!(bare, event);
    assert!(bare.is_metadata());
    // Without copying: the body is the tail of the message.
    let payload = Bytes::from(hex(&format!("{SET} {METADATA}")));
    let Some(Data::Set { body, .. }) = Data::decode(&payload) else {
        panic!("no metadata");
    };
    assert_eq!(body.as_ptr(), payload[16..].as_ptr());
}

#[test]
fn set_data_frame_is_what_pushes_put_in_front() {
    assert_eq!(&bongsu_rtmp::message::SET_DATA_FRAME[..], hex(SET));
}

#[test]
fn v31_other_events_pass_untouched() {
    let row = "0200117c 52746d70 53616d70 6c654163 63657373 01010101";
    let found = data(row).unwrap();
    let event = Data::Event {
        name: "|RtmpSampleAccess".into(),
        body: hex(row).into(),
    };
    assert_eq!(found, event);
    assert!(!found.is_metadata());
}

#[test]
fn clear_data_frame_names_what_to_drop() {
    let clear = "02000f 40636c65 61724461 74614672 616d65";
    let named = |name: &str| Some(Data::Clear { name: name.into() });
    assert_eq!(
        data(&format!("{clear} 02000a6f6e4d65746144617461")),
        named("onMetaData")
    );
    assert_eq!(data(clear), named(""));
    assert_eq!(data(&format!("{clear} 05")), named(""));
    assert!(!data(clear).unwrap().is_metadata());
}

/// [WIRE 093]
#[test]
fn data_without_a_name_is_none() {
    for row in [
        "",
        "05",
        "00000000",
        "0200",
        "020005 6161",
        SET,
        &format!("{SET} 05"),
    ] {
        assert_eq!(data(row), None, "{row}");
    }
    assert_eq!(data_amf3(""), None);
    assert_eq!(data_amf3("00"), None);
    assert!(data("0c00000001 61").is_some());
}

/// [WIRE 087]
#[test]
fn type_15_is_type_18_behind_a_format_byte() {
    let expected = Some(set(METADATA));
    assert_eq!(data_amf3(&format!("00 {SET} {METADATA}")), expected);
    assert_eq!(data_amf3(&format!("{SET} {METADATA}")), expected);
}

/// Values of AMF3, broken ones and ones that are cut short are for the reader of the stream.
#[test]
fn values_behind_the_name_are_not_looked_at() {
    let name = "02000a6f 6e4d6574 61446174 61";
    for values in ["", "05 1101", "03 000161 11ff", "04", "03 000161"] {
        let row = format!("{name} {values}");
        assert_eq!(data(&format!("{SET} {row}")), Some(set(&row)), "{values}");
    }
}

#[test]
fn a_status_is_read_in_any_container() {
    let status = Status::new(Code::PublishBadName, "in use");
    let properties = status.properties();
    for info in [
        Value::Object(properties.clone()),
        Value::EcmaArray(properties.clone()),
        Value::TypedObject {
            class: "A".into(),
            properties,
        },
    ] {
        let command = Command::new("onStatus", tid(7.0))
            .with_argument(Value::Null)
            .with_argument(info);
        let received = Received::from_command(&command).unwrap();
        assert_eq!(received.code, Some(Code::PublishBadName));
        assert_eq!(received.level, Level::Error);
        assert_eq!(received.description, "in use");
    }
}

#[test]
fn a_missing_level_is_that_of_the_code() {
    let info = |properties: Properties| Received::from_info(&properties.into());
    let level = |properties| info(properties).map(|received| received.level);
    let bad_name = || Properties::new().with("code", "NetStream.Publish.BadName");
    assert_eq!(level(bad_name()), Some(Level::Error));
    assert_eq!(level(bad_name().with("level", "loud")), Some(Level::Error));
    assert_eq!(
        level(bad_name().with("level", "warning")),
        Some(Level::Warning)
    );
    let own = info(Properties::new().with("code", "Vendor.Own")).unwrap();
    assert_eq!((own.code, own.level), (None, Level::Status));
    assert_eq!(own.code_text, "Vendor.Own");
    assert!(own.description.is_empty());
    assert_eq!(info(Properties::new().with("level", "error")), None);
    assert_eq!(Received::from_info(&Value::Null), None);
}

#[test]
fn every_code_is_found_by_its_text_only() {
    for code in Code::ALL {
        assert_eq!(Code::from_bytes(code.as_str().as_bytes()), Some(*code));
    }
    assert_eq!(Code::from_bytes(b"netstream.publish.start"), None);
    assert_eq!(Code::from_bytes(b""), None);
}
