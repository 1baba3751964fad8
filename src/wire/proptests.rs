//! Any chunking of a stream gives the same frames; any bytes at all give an answer.

use bytes::{BufMut, BytesMut};
use proptest::collection::vec;
use proptest::prelude::*;

use super::frame::{FrameScanner, HEADER, Step};
use super::startup::FirstPacket;
use super::*;

/// Bytes of a body that must be there before a frame of this type is announced.
fn want(tag: u8) -> usize {
    match tag {
        b'Q' => 16,
        b'P' => usize::MAX,
        _ => 0,
    }
}

/// Feeds `chunks` and gives the frames as (tag, body length, body).
fn frames(chunks: impl Iterator<Item = Vec<u8>>) -> Vec<(u8, usize, Vec<u8>)> {
    let mut scanner = FrameScanner::new();
    let mut buf = Vec::new();
    let mut frames: Vec<(u8, usize, Vec<u8>)> = Vec::new();
    for chunk in chunks {
        buf.extend(chunk);
        loop {
            match scanner.step(&buf, want).unwrap() {
                Step::NeedMore => break,
                Step::Rest(n) => {
                    let frame = frames.last_mut().unwrap();
                    frame.2.extend(buf.drain(..n));
                }
                Step::Head { tag, body, seen } => {
                    assert!(seen >= body.min(want(tag)), "announced too early");
                    buf.drain(..HEADER);
                    frames.push((tag, body, buf.drain(..seen).collect()));
                }
            }
        }
    }
    assert!(
        buf.is_empty() && scanner.rest() == 0,
        "bytes were left over"
    );
    frames
}

fn any_frames() -> impl Strategy<Value = Vec<(u8, Vec<u8>)>> {
    let tag = prop_oneof![Just(b'Q'), Just(b'P'), Just(b'd'), any::<u8>()];
    vec((tag, vec(any::<u8>(), 0..200)), 0..20)
}

proptest! {
    #[test]
    fn chunking_does_not_matter(list in any_frames(), cuts in vec(1usize..40, 1..50)) {
        let mut stream = BytesMut::new();
        for (tag, body) in &list {
            encode::frame(*tag, &mut stream, |out| out.put_slice(body));
        }
        let mut rest = stream.as_ref();
        let mut cuts = cuts.into_iter().cycle();
        let chunks = std::iter::from_fn(|| {
            let n = cuts.next()?.min(rest.len());
            let (head, tail) = rest.split_at(n);
            rest = tail;
            (!head.is_empty()).then(|| head.to_vec())
        });
        let expected: Vec<_> =
            list.into_iter().map(|(tag, body)| (tag, body.len(), body)).collect();
        prop_assert_eq!(frames(chunks), expected);
    }

    #[test]
    fn decoders_return(bytes in vec(any::<u8>(), 0..300)) {
        // Whatever a view accepts lies inside the bytes it was given.
        let inside = |part: &[u8]| part.len() <= bytes.len();
        if let Ok(parse) = frontend::Parse::read(&bytes) {
            prop_assert!(inside(parse.name) && inside(parse.sql) && inside(parse.types));
        }
        if let Ok(bind) = frontend::Bind::read(&bytes) {
            prop_assert!(inside(bind.portal) && inside(bind.values));
        }
        if let Ok(fields) = ErrorFields::read(&bytes) {
            prop_assert!(fields.iter().all(|(code, value)| code != 0 && inside(value)));
            let mut out = BytesMut::new();
            fields.to_response().encode(&mut out);
            prop_assert!(ErrorFields::read(&out[HEADER..]).is_ok());
        }
        if let Ok(Some((_, length))) = FirstPacket::read(&bytes) {
            prop_assert!(length <= bytes.len());
        }
        frontend::Execute::read(&bytes).ok();
        frontend::Target::read(&bytes).ok();
        frontend::query(&bytes).ok();
        frontend::password(&bytes).ok();
        backend::Authentication::read(&bytes).ok();
        backend::ParameterStatus::read(&bytes).ok();
        backend::BackendKeyData::read(&bytes).ok();
        backend::TransactionStatus::read(&bytes).ok();
        backend::command_tag(&bytes).ok();
        FrameScanner::new().step(&bytes, |_| usize::MAX).ok();
    }

    #[test]
    fn startup_survives_a_round_trip(
        parameters in vec((vec(1u8.., 1..20), vec(1u8.., 0..40)), 0..10),
    ) {
        let startup = startup::Startup {
            version: startup::ProtocolVersion::V3_0,
            parameters,
        };
        let mut out = BytesMut::new();
        startup.encode(&mut out);
        let length = out.len();
        prop_assert_eq!(
            FirstPacket::read(&out),
            Ok(Some((FirstPacket::Startup(startup), length)))
        );
    }
}
