//! First packets: any bytes give an answer, and what is understood survives a round trip.
#![no_main]

use bytes::BytesMut;
use dsql_proxy::wire::startup::FirstPacket;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(Some((packet, length))) = FirstPacket::read(data) {
        assert!(length <= data.len());
        let mut out = BytesMut::new();
        match &packet {
            FirstPacket::Startup(startup) if startup.version.major == 3 => startup.encode(&mut out),
            FirstPacket::Cancel(cancel) => cancel.encode(&mut out),
            _ => return,
        }
        let again = FirstPacket::read(&out).map(|read| read.map(|(packet, _)| packet));
        assert_eq!(again, Ok(Some(packet)));
    }
});
