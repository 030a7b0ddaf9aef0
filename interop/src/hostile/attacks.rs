//! Messages that cost more than they should: declared and never sent, cut into single bytes, nested without end.

use std::io::Write;
use std::net::{Shutdown, SocketAddr};
use std::time::Duration;

use bongsu_testkit::raw::Peer;

use super::wire::{self, HANDSHAKE_BYTES, LENGTH_MAX, number, text};
use super::{GRACE, Held, Outcome, Random, floods, together, wait_for_closes};

/// Levels of a nested value.
const DEPTH: usize = 10_000;
/// The largest message of a stranger, and the chunk streams that it may open.
const STRANGER_BYTES: u32 = 64 << 10;
const STRANGER_CHUNK_STREAMS: u16 = 8;
/// The chunk streams that a publisher may open. [`Peer`] has used two.
const PUBLISHER_CHUNK_STREAMS: u16 = 64;

/// Strangers declare the largest message on every chunk stream that they may open, and send one byte of each: without
/// it the next header would be taken for payload.
#[must_use]
pub fn strangers_declare(address: SocketAddr, count: u32, deadline: Duration) -> Outcome {
    let headers = declarations((3..2 + STRANGER_CHUNK_STREAMS).map(|id| {
        let type_id = [20, 8, 9, 18][usize::from(id % 4)];
        wire::header(id, type_id, 0, STRANGER_BYTES)
    }));
    let held: Vec<Held> = (0..count)
        .map(|_| {
            let mut stream = wire::shake(address);
            let held = stream.write_all(&headers);
            held.expect("headers are sent");
            Held::new(stream, deadline)
        })
        .collect();
    wait_for_closes(held)
}

/// Chunks of one byte, and with each header the first byte of its message.
fn declarations(headers: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    headers.fold(wire::chunk_size(1), |mut bytes, header| {
        bytes.extend(header);
        bytes.push(0);
        bytes
    })
}

/// The same by authorised publishers of app `patient`, each of a stream of its own.
#[must_use]
pub fn publishers_declare(address: SocketAddr, count: u32, deadline: Duration) -> Outcome {
    let held: Vec<Held> = (0..count)
        .map(|index| {
            let mut peer = Peer::open(address);
            let (stream, _) = peer.publish("patient", &format!("declared-{index}"));
            let ids = 4..2 + PUBLISHER_CHUNK_STREAMS;
            let headers = declarations(
                ids.map(|id| wire::header(id, [8, 9][usize::from(id % 2)], stream, LENGTH_MAX)),
            );
            let (mut socket, _) = peer.into_parts();
            socket.write_all(&headers).expect("headers are sent");
            Held::new(socket, deadline)
        })
        .collect();
    wait_for_closes(held)
}

/// Publishers send a message of 16 MiB in chunks of one byte, as fast as they can.
#[must_use]
pub fn one_byte_chunks(address: SocketAddr, count: u32) -> Outcome {
    let bytes = [0xc6, 0x17].repeat(32_768);
    together(count, |index| {
        let mut peer = Peer::open(address);
        let (stream, _) = peer.publish("live", &format!("one-byte-{index}"));
        let (mut socket, _) = peer.into_parts();
        let start = [
            wire::chunk_size(1),
            wire::header(6, 9, stream, LENGTH_MAX),
            vec![0x17],
        ];
        socket
            .write_all(&start.concat())
            .expect("the first chunk is sent");
        floods::until_closed(socket, &bytes, Duration::ZERO)
    })
}

/// Values in values, of every kind, in commands of strangers and in metadata of publishers. A stranger is closed at
/// once; what a publisher has to say may be passed on unread.
#[must_use]
pub fn nested(address: SocketAddr, publish_idle: Duration) -> Outcome {
    let levels: [&[u8]; 6] = [
        b"\x03\x00\x01a",
        b"\x08\x00\x00\x00\x01\x00\x01a",
        b"\x0a\x00\x00\x00\x01",
        b"\x10\x00\x01c\x00\x01a",
        // AMF3: an array of one value, an object without a class.
        b"\x09\x03\x01",
        b"\x0a\x0b\x01\x03a",
    ];
    let held = levels.iter().enumerate().flat_map(|(kind, level)| {
        let amf3 = if kind < 4 { &[][..] } else { &[0x11] };
        let value = [amf3, &level.repeat(DEPTH)].concat();
        let connect = [text("connect"), number(1.0), value.clone()].concat();
        let mut stranger = Peer::open(address);
        stranger.send_media(0, 20, 0, &connect);
        let mut modern = Peer::open(address);
        modern.send_media(0, 17, 0, &[&[0], &connect[..]].concat());
        let mut publisher = Peer::open(address);
        let (stream, _) = publisher.publish("live", &format!("nested-{kind}"));
        let metadata = [text("@setDataFrame"), text("onMetaData"), value].concat();
        publisher.send_media(stream, 18, 0, &metadata);
        [
            Held::new(stranger.into_parts().0, Duration::ZERO),
            Held::new(modern.into_parts().0, Duration::ZERO),
            Held::new(publisher.into_parts().0, publish_idle),
        ]
    });
    wait_for_closes(held.collect::<Vec<_>>())
}

/// Short connections that say anything but RTMP, or RTMP up to some point and then anything.
#[must_use]
pub fn garbage(address: SocketAddr, count: u32) -> Outcome {
    together(count, |seed| {
        let mut random = Random::new(seed);
        let length = 1 + random.below(4_096);
        let noise = random.bytes(length);
        let mut stream = match seed % 10 {
            0..=5 => wire::connect(address),
            6..=8 => wire::shake(address),
            _ => {
                let mut peer = Peer::open(address);
                peer.connect("live");
                peer.into_parts().0
            }
        };
        let bytes = match seed % 10 {
            0 => noise,
            1 => vec![[0, 0xff, 3, 6][random.below(4)]; length],
            2 => foreign_hello(&mut random).to_vec(),
            // A handshake that anybody may have made, and anything behind it.
            3 => [vec![3], random.bytes(2 * HANDSHAKE_BYTES), noise].concat(),
            4 => [&[3][..], &noise].concat(),
            5 => [&[6][..], &random.bytes(HANDSHAKE_BYTES)].concat(),
            // A good header, any body.
            6 | 9 => {
                let csid = u16::try_from(2 + random.below(300)).unwrap();
                let stream = u32::from(random.byte());
                wire::message(csid, random.byte() % 24, stream, &noise)
            }
            // A good command name, any arguments.
            7 => {
                let names = ["connect", "publish", "play", "createStream", "onStatus"];
                let name = names[random.below(names.len())];
                let arguments = noise.iter().take(100).copied().collect();
                wire::message(3, 20, 0, &[text(name), number(1.0), arguments].concat())
            }
            _ => noise,
        };
        // The relay may have closed the connection in the middle of it.
        let _ = stream.write_all(&bytes);
        let _ = stream.shutdown(Shutdown::Write);
        Held::new(stream, Duration::ZERO).wait_for_close()
    })
}

fn foreign_hello(random: &mut Random) -> &'static [u8] {
    let hellos: [&[u8]; 6] = [
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"SSH-2.0-OpenSSH_9.2p1\r\n",
        b"OPTIONS rtsp://a/ RTSP/1.0\r\nCSeq: 1\r\n\r\n",
        b"<policy-file-request/>\0",
        b"\x80\x2e\x01\x00\x02\x00\x15",
    ];
    hellos[random.below(hellos.len())]
}

const _: () = assert!(GRACE.as_secs() > 1); // the relay lingers for a second with those who do not close
