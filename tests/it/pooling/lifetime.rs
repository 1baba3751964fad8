//! Servers that are replaced before the cluster closes them, while their sessions go on.

use super::Mode;
use super::peer::Peer;
use crate::support::postgres::Postgres;
use crate::support::within;

/// The process that serves a session: an expression, which is the server's to answer.
async fn server(peer: &mut Peer) -> String {
    peer.run("select pg_backend_pid() + 0").await.value()
}

/// Waits until servers that exist now are due: until another session has got new ones twice.
async fn until_due(clock: &mut Peer) {
    for _ in 0..2 {
        let before = server(clock).await;
        within(async { while server(clock).await == before {} }).await;
    }
}

#[tokio::test]
async fn a_session_moves_before_its_server_is_too_old() {
    let postgres = Postgres::start();
    let proxy = Mode::Session.proxy(&postgres, 0, &["--max-lifetime=1s"]);
    let mut clock = Peer::log_in(proxy.port(), "bench", &[]).await;
    let log_in = async || Peer::log_in(proxy.port(), "bench", &[("TimeZone", "Asia/Tokyo")]).await;
    let (mut idle, mut busy, mut pinned) = (log_in().await, log_in().await, log_in().await);

    idle.run("set datestyle = 'German'").await;
    busy.run("begin").await;
    pinned.run("create temp table mine as select 7 as a").await;
    let before = [
        server(&mut idle).await,
        server(&mut busy).await,
        server(&mut pinned).await,
    ];
    until_due(&mut clock).await;

    // It did nothing at that moment: its next statement has a new one, with everything it set.
    assert_ne!(server(&mut idle).await, before[0]);
    let settings = "select current_setting('timezone') || ' ' || current_setting('datestyle')";
    let moved = idle.run(settings).await.value();
    assert_eq!(moved, "Asia/Tokyo German, DMY");
    // A transaction stays where it is.
    assert_eq!(server(&mut busy).await, before[1]);
    busy.run("commit").await;
    assert_ne!(server(&mut busy).await, before[1]);
    // What cannot move stays.
    assert_eq!(server(&mut pinned).await, before[2]);
    assert_eq!(pinned.run("select a from mine").await.value(), "7");
}
