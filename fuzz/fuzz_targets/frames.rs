//! Frames: however the stream is cut, the same frames come out.
#![no_main]

use dsql_proxy::wire::frame::HEADER;
use dsql_proxy::wire::{FrameScanner, Step};
use libfuzzer_sys::fuzz_target;

fn frames(data: &[u8], chunk: usize) -> Vec<(u8, usize)> {
    let (mut scanner, mut buf, mut frames) = (FrameScanner::new(), Vec::new(), Vec::new());
    for piece in data.chunks(chunk.max(1)) {
        buf.extend_from_slice(piece);
        loop {
            match scanner.step(&buf, |tag| usize::from(tag)) {
                Ok(Step::NeedMore) => break,
                Ok(Step::Rest(n)) => drop(buf.drain(..n)),
                Ok(Step::Head { tag, body, seen }) => {
                    frames.push((tag, body));
                    drop(buf.drain(..HEADER + seen));
                }
                Err(error) => {
                    frames.push((error.tag, usize::MAX));
                    return frames;
                }
            }
        }
    }
    frames
}

fuzz_target!(|data: &[u8]| {
    let Some((chunk, data)) = data.split_first() else { return };
    assert_eq!(frames(data, usize::from(*chunk)), frames(data, data.len()));
});
