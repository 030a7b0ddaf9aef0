//! Whole exchanges as bytes that others made and read: vectors V24 to V31 and V49 of the wire reference.

use bongsu_rtmp::MessageType;
use bongsu_rtmp::amf0::Value;
use bongsu_rtmp::session::Output;

use crate::script::*;

/// V24: `connect` of an encoder, in chunks of 128 bytes.
const CONNECT: &str = "
    03000000 00009114 00000000 02000763 6f6e6e65 6374003f f0000000 00000003
    00036170 70020004 6c697665 00047479 70650200 0a6e6f6e 70726976 61746500
    08666c61 73685665 7202001f 464d4c45 2f332e30 2028636f 6d706174 69626c65
    3b20464d 53632f31 2e302900 06737766 55726c02 000d7274 6d703a2f 2f682f6c
    69766500 05746355 726c0200 c30d7274 6d703a2f 2f682f6c 69766500 0009";
/// V25: the info object of its result.
const CONNECT_INFO: &str = "
    0300056c 6576656c 02000673 74617475 73000463 6f646502 001d4e65 74436f6e
    6e656374 696f6e2e 436f6e6e 6563742e 53756363 65737300 0b646573 63726970
    74696f6e 02001543 6f6e6e65 6374696f 6e207375 63636565 6465642e 000e6f62
    6a656374 456e636f 64696e67 00000000 00000000 00000009";
/// V26: `releaseStream`, `FCPublish` and `createStream`.
const CALLS: [&str; 3] = [
    "02000d72 656c6561 73655374 7265616d 00400000 00000000 00050200 016b",
    "02000946 43507562 6c697368 00400800 00000000 00050200 016b",
    "02000c63 72656174 65537472 65616d00 40100000 00000000 05",
];
/// V27: the result of `createStream`.
const CREATED: &str = "0200075f 72657375 6c740040 10000000 00000005 003ff000 00000000 00";
/// V28: `publish`.
const PUBLISH: &str = "
    02000770 75626c69 73680040 14000000 00000005 0200016b 0200046c 697665";
/// V29: `NetStream.Publish.Start` as a chunk.
const STARTED: &str = "
    05000000 00006414 01000000 0200086f 6e537461 74757300 00000000 00000000
    05030005 6c657665 6c020006 73746174 75730004 636f6465 0200174e 65745374
    7265616d 2e507562 6c697368 2e537461 7274000b 64657363 72697074 696f6e02
    000b5075 626c6973 68696e67 2e000009";
/// V30: `play` of ffmpeg.
const PLAY: &str = "
    02000470 6c617900 40100000 00000000 05020001 6b00c09f 40000000 0000";
/// V31: `|RtmpSampleAccess`.
const SAMPLE_ACCESS: &str = "0200117c 52746d70 53616d70 6c654163 63657373 01010101";
/// V49: the capabilities of a relay inside an object.
const CAPABILITIES: &str = "
    000a666f 75724363 4c697374 0a000000 01020001 2a001276 6964656f 466f7572
    4363496e 666f4d61 70030001 2a004010 00000000 00000000 09001261 7564696f
    466f7572 4363496e 666f4d61 70030001 2a004010 00000000 00000000 09000663
    61707345 7800402e 00000000 0000";

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let pairs = digits
        .chunks_exact(2)
        .map(|pair| std::str::from_utf8(pair).unwrap());
    pairs
        .map(|pair| u8::from_str_radix(pair, 16).unwrap())
        .collect()
}

/// What the session says to a command, as bytes; what it asks for is accepted.
fn answer(scene: &mut Scene, says: &[u8]) -> Vec<u8> {
    scene.session.handle_bytes(scene.now, says).unwrap();
    let mut said = Vec::new();
    while let Some(output) = scene.session.poll_output() {
        match output {
            Output::Transmit(bytes) => said.extend(bytes),
            Output::Event(event) => {
                if let Some(request) = request_of(&event) {
                    scene.session.accept(scene.now, request).unwrap();
                }
            }
        }
    }
    said
}

fn call(at: (u32, u32), payload: &str) -> Vec<u8> {
    CLIENT.message(at, MessageType::CommandAmf0, 0, &bytes(payload))
}

fn has(said: &[u8], part: &[u8]) -> bool {
    said.windows(part.len()).any(|window| window == part)
}

/// [WIRE 096] [WIRE 105] [WIRE 112]
#[test]
fn an_encoder_hears_the_bytes_that_it_knows() {
    let mut scene = Scene::shaken();
    let said = answer(&mut scene, &bytes(CONNECT));
    let announced = "
        02000000 00000405 00000000 002625a0
        02000000 00000506 00000000 002625a0 02
        02000000 00000401 00000000 00010000
        03000000 0000";
    assert!(said.starts_with(&bytes(announced)), "{said:02x?}");
    assert!(said.ends_with(&bytes(CONNECT_INFO)), "{said:02x?}");
    for payload in &CALLS[..2] {
        assert!(!answer(&mut scene, &call((3, 0), payload)).is_empty());
    }
    let said = answer(&mut scene, &call((3, 0), CALLS[2]));
    let header = bytes("03000000 00001d14 00000000");
    assert_eq!(said, [header, bytes(CREATED)].concat());
    let said = answer(&mut scene, &call((4, 1), PUBLISH));
    let begin = bytes("02000000 00000604 00000000 0000 00000001");
    assert!(
        said.ends_with(&[begin, bytes(STARTED)].concat()),
        "{said:02x?}"
    );
}

/// [WIRE 125]
#[test]
fn a_player_hears_sample_access_last() {
    let mut scene = Scene::created();
    let said = answer(&mut scene, &call((8, 1), PLAY));
    let header = bytes("05000000 00001812 01000000");
    assert!(
        said.ends_with(&[header, bytes(SAMPLE_ACCESS)].concat()),
        "{said:02x?}"
    );
}

/// [WIRE 158]
#[test]
fn an_enhanced_client_hears_the_capabilities_of_a_relay() {
    let mut scene = Scene::shaken();
    let list = Value::StrictArray(vec!["*".into()]);
    let said = answer(
        &mut scene,
        &CLIENT.connect(app("live").with("fourCcList", list)),
    );
    assert!(has(&said, &bytes(CAPABILITIES)), "{said:02x?}");
}
