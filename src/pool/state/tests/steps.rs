//! Step by step.

use super::*;

/// What was decided, in short.
fn told(out: &mut Out) -> Vec<String> {
    out.drain(..)
        .map(|command| match command {
            Command::Open => "open".to_owned(),
            Command::HandOver(waiter, lease) => format!("{waiter} gets {}", lease.connection),
            Command::Permit(waiter) => format!("{waiter} may open"),
            Command::Fail(waiter, why) => format!("{waiter} fails: {why}"),
            Command::Dismiss(waiter) => format!("{waiter} is dismissed"),
            Command::Close(connection, why) => format!("close {connection}: {why}"),
            Command::WakeAt(_) => "wake".to_owned(),
        })
        .collect()
}

/// The servers that are handed over, with those who get them.
fn given(out: &mut Out) -> Vec<(u32, Lease<u32>)> {
    out.drain(..)
        .filter_map(|command| match command {
            Command::HandOver(waiter, lease) => Some((waiter, lease)),
            _ => None,
        })
        .collect()
}

/// A state with these servers lent.
fn lent(size: usize, connections: &[u32]) -> (State, Vec<Lease<u32>>, Instant) {
    let mut state = State::new(options(size, 0));
    let now = Instant::now();
    let mut leases = Vec::new();
    for connection in connections {
        let mut out = Vec::new();
        state.wait(Wanted::Any, 0, now, &mut out);
        state.opened(*connection, now, &mut out);
        leases.extend(given(&mut out).into_iter().map(|(_, lease)| lease));
    }
    assert_eq!(leases.len(), connections.len());
    (state, leases, now)
}

#[test]
fn the_first_who_waits_gets_what_comes_back_and_the_last_used_is_lent_first() {
    let (mut state, mut leases, now) = lent(2, &[1, 2]);
    let mut out = vec![];
    state.wait(Wanted::Any, 71, now, &mut out);
    let gone = state.wait(Wanted::Any, 72, now, &mut out);
    state.wait(Wanted::Any, 73, now, &mut out);
    assert!(told(&mut out).is_empty());
    state.leave(gone);
    for lease in leases.drain(..) {
        state.release(lease, now, &mut out);
    }
    let given = given(&mut out);
    let waiters: Vec<_> = given.iter().map(|(waiter, _)| *waiter).collect();
    assert_eq!(waiters, [71, 73]);
    for (_, lease) in given {
        state.release(lease, now, &mut out);
    }
    assert_eq!(state.take_idle().unwrap().connection, 2);
    assert_eq!(state.take_idle().unwrap().connection, 1);
    assert!(state.take_idle().is_none());
}

#[test]
fn a_definite_failure_is_told_when_there_is_nothing_to_wait_for() {
    let mut state = State::new(options(5, 0));
    let now = Instant::now();
    let mut out = vec![];
    for waiter in 1..=4 {
        state.wait(Wanted::Any, waiter, now, &mut out);
    }
    // Two at a time.
    assert_eq!(told(&mut out), ["open", "open"]);
    // One attempt is under way: the first may still hope.
    state.open_failed(Verdict::Definite, "denied", now, &mut out);
    assert_eq!(
        told(&mut out),
        ["2 fails: denied", "3 fails: denied", "4 fails: denied"]
    );
    state.open_failed(Verdict::Definite, "denied", now, &mut out);
    assert_eq!(told(&mut out), ["1 fails: denied"]);
    // Who comes next may try at once.
    state.wait(Wanted::Any, 5, now, &mut out);
    assert_eq!(told(&mut out), ["open"]);
    assert_eq!(state.last_failure(), Some(&"denied"));
}

#[test]
fn who_can_wait_for_a_server_in_use_is_not_told_of_a_failure() {
    let (mut state, mut leases, mut now) = lent(3, &[1]);
    let mut out = vec![];
    state.wait(Wanted::Any, 7, now, &mut out);
    assert_eq!(told(&mut out), ["open"]);
    // No attempt follows at once.
    state.open_failed(Verdict::Definite, "denied", now, &mut out);
    assert_eq!(told(&mut out), ["wake"]);
    now += SECOND;
    state.tick(now, &mut out);
    assert_eq!(told(&mut out), ["open"]);
    state.release(leases.remove(0), now, &mut out);
    assert_eq!(told(&mut out), ["7 gets 1"]);
}

#[test]
fn a_cluster_that_sheds_load_is_tried_again_after_a_pause() {
    let mut state = State::new(options(3, 0));
    let now = Instant::now();
    let mut out = vec![];
    state.wait(Wanted::Any, 1, now, &mut out);
    told(&mut out);
    state.open_failed(Verdict::TryLater, "busy", now, &mut out);
    assert_eq!(told(&mut out), ["wake"]);
    state.wait(Wanted::Any, 2, now, &mut out);
    assert!(told(&mut out).is_empty());
    state.tick(now + SECOND / 10, &mut out);
    assert_eq!(told(&mut out), ["open", "open"]);
    state.opened(1, now + SECOND, &mut out);
    assert_eq!(told(&mut out), ["1 gets 1"]);
    assert_eq!(state.last_failure(), None);
}

#[test]
fn a_busy_server_has_a_successor_before_it_is_due() {
    let (mut state, mut leases, start) = lent(2, &[1]);
    let mut out = vec![];
    assert_eq!(leases[0].facts.due_at, start + 3000 * SECOND);
    let now = start + 2900 * SECOND;
    state.release(leases.remove(0), now, &mut out);
    // It goes on serving meanwhile.
    assert_eq!(told(&mut out), ["wake", "open"]);
    let lease = state.take_idle().unwrap();
    state.opened(2, now, &mut out);
    assert_eq!(told(&mut out), Vec::<String>::new());
    state.release(lease, now, &mut out);
    assert_eq!(told(&mut out), ["close 1: maximum lifetime"]);
    assert_eq!(state.take_idle().unwrap().connection, 2);
}

#[test]
fn an_idle_one_is_closed_as_its_successor_comes() {
    let (mut state, mut leases, start) = lent(2, &[1]);
    let mut out = vec![];
    let now = start + 2900 * SECOND;
    state.release(leases.remove(0), now, &mut out);
    told(&mut out);
    state.opened(2, now, &mut out);
    assert_eq!(told(&mut out), ["close 1: maximum lifetime"]);
    assert_eq!(state.snapshot(now).idle, 1);
}

#[test]
fn without_room_for_a_successor_it_serves_until_it_is_due() {
    let (mut state, mut leases, start) = lent(1, &[1]);
    let mut out = vec![];
    let late = start + 2999 * SECOND;
    state.release(leases.remove(0), late, &mut out);
    assert_eq!(told(&mut out), ["wake"]);
    let lease = state.take_idle().unwrap();
    state.wait(Wanted::Any, 7, late, &mut out);
    state.release(lease, start + 3000 * SECOND, &mut out);
    assert_eq!(told(&mut out), ["close 1: maximum lifetime", "open"]);
}

#[test]
fn a_private_one_takes_the_room_of_the_next_that_comes_back() {
    let (mut state, mut leases, now) = lent(2, &[1, 2]);
    let mut out = vec![];
    state.wait(Wanted::Private, 7, now, &mut out);
    state.wait(Wanted::Any, 8, now, &mut out);
    assert!(told(&mut out).is_empty());
    state.release(leases.remove(0), now, &mut out);
    assert_eq!(
        told(&mut out),
        ["close 1: makes room for a private one", "7 may open"]
    );
    let private = state.private_opened(3, now, &mut out);
    state.release(leases.remove(0), now, &mut out);
    assert_eq!(told(&mut out), ["8 gets 2"]);
    state.release(private, now, &mut out);
    assert_eq!(told(&mut out), ["close 3: private"]);
}

#[test]
fn a_private_one_takes_the_room_of_an_idle_one() {
    let (mut state, mut leases, now) = lent(1, &[1]);
    let mut out = vec![];
    state.release(leases.remove(0), now, &mut out);
    told(&mut out);
    state.wait(Wanted::Private, 7, now, &mut out);
    assert_eq!(
        told(&mut out),
        ["close 1: makes room for a private one", "7 may open"]
    );
}

#[test]
fn who_wants_a_private_one_and_may_not_open_it_holds_nobody_up() {
    let (mut state, mut leases, now) = lent(1, &[1]);
    let mut out = vec![];
    state.options.throttle.refused(now);
    state.wait(Wanted::Private, 7, now, &mut out);
    state.wait(Wanted::Any, 8, now, &mut out);
    told(&mut out);
    state.release(leases.remove(0), now, &mut out);
    assert_eq!(told(&mut out), ["8 gets 1"]);
}
