use std::rc::Rc;
use std::time::Duration;

use tokio::task::LocalSet;
use tokio::time::{advance, sleep};

use super::super::cancel::Mailbox;
use super::Ages;
use crate::session::Signal;

const LIMIT: Duration = Duration::from_mins(5);
const SECOND: Duration = Duration::from_secs(1);

/// Runs with a clock that stands still unless everybody sleeps.
fn with_clock(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    LocalSet::new().block_on(&runtime, test);
}

#[test]
fn each_block_is_told_when_it_is_due() {
    with_clock(async {
        let ages = Ages::new(LIMIT);
        let mailboxes = [(); 3].map(|()| Rc::<Mailbox>::default());
        let sessions: Vec<_> = (1..)
            .zip(&mailboxes)
            .map(|(pid, mailbox)| ages.enter(pid, Rc::clone(mailbox)))
            .collect();
        sessions[0].note(Some(1));
        sleep(SECOND).await;
        sessions[1].note(Some(1));
        // The same block, later.
        sessions[0].note(Some(1));
        sessions[2].note(Some(7));
        sleep(Duration::from_secs(298)).await;
        // Another one, and none.
        sessions[2].note(Some(8));
        assert!(sessions.iter().all(|session| session.exceeded().is_none()));
        sleep(SECOND + SECOND / 2).await;
        assert_eq!(mailboxes[0].take(), Some(Signal::Expire));
        assert_eq!(sessions[0].exceeded(), Some((300, 300)));
        assert_eq!(mailboxes[1].take(), None);
        sleep(SECOND).await;
        assert_eq!(mailboxes[1].take(), Some(Signal::Expire));
        assert_eq!(mailboxes[0].take(), None, "once");
        sessions[2].note(None);
        sleep(LIMIT * 2).await;
        assert_eq!(mailboxes[2].take(), None);
        // It begins again after it has rested.
        sessions[2].note(Some(9));
        sleep(LIMIT + SECOND).await;
        assert_eq!(mailboxes[2].take(), Some(Signal::Expire));
    });
}

#[test]
fn who_leaves_is_forgotten() {
    with_clock(async {
        let ages = Ages::new(LIMIT);
        let mailbox = Rc::<Mailbox>::default();
        let session = ages.enter(1, Rc::clone(&mailbox));
        session.note(Some(1));
        drop(session);
        advance(LIMIT * 2).await;
        sleep(SECOND).await;
        assert_eq!(mailbox.take(), None);
        assert!(ages.sessions.borrow().is_empty());
    });
}
