use std::rc::Rc;

use super::*;

#[test]
fn pauses_double_up_to_a_limit() {
    let mut now = Instant::now();
    let mut backoff = Backoff::new(Rc::new(|| 0.0));
    let mut pauses = Vec::new();
    for _ in 0..8 {
        backoff.failed(now);
        let until = backoff.until(now).unwrap();
        pauses.push((until - now).as_millis());
        // A failure in the pause changes nothing.
        backoff.failed(now);
        assert_eq!(backoff.until(now), Some(until));
        now = until;
        assert_eq!(backoff.until(now), None);
    }
    assert_eq!(pauses, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
    backoff.reset();
    backoff.failed(now);
    assert_eq!(backoff.until(now), Some(now + FIRST));
}

#[test]
fn a_pause_is_cut_at_random_by_up_to_a_half() {
    let now = Instant::now();
    let mut backoff = Backoff::new(Rc::new(|| 1.0));
    backoff.failed(now);
    assert_eq!(backoff.until(now), Some(now + FIRST / 2));
}
