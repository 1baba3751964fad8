use super::*;

fn timeout(
    active: usize,
    connecting: usize,
    last_failure: Option<&'static str>,
) -> CheckoutError<&'static str> {
    CheckoutError::Timeout(Box::new(QueueTimeout {
        limit: Duration::from_secs(30),
        pool: PoolSnapshot {
            size: 20,
            active,
            connecting,
            ..PoolSnapshot::default()
        },
        last_failure,
    }))
}

fn of_open(why: &&'static str) -> ErrorResponse {
    ErrorResponse::fatal(SqlState::CANNOT_CONNECT, "could not connect to c")
        .detail(format!("{why}."))
        .hint("Look there.")
}

#[test]
fn the_reason_of_a_long_wait() {
    for (error, detail, hint) in [
        (
            timeout(20, 0, None),
            "20 of 20 connections (--pool-size) are in use.",
            "Shorten transactions, or raise --pool-size (now 20) or --queue-timeout (now 30s).",
        ),
        (
            timeout(3, 2, Some("Nothing listens")),
            "Opening another one failed: could not connect to c (08001): Nothing listens. 3 of 20 \
             connections (--pool-size) are in use.",
            "Look there.",
        ),
        (
            timeout(0, 1, None),
            "0 of 20 connections (--pool-size) are in use. The cluster has not answered to 1 that \
             are being opened.",
            "Check that the cluster can be reached. A cluster that wakes up needs some time: then \
             raise --queue-timeout (now 30s).",
        ),
    ] {
        let told = error.to_response(of_open);
        assert_eq!(told.sqlstate, SqlState::TOO_MANY_CONNECTIONS);
        assert_eq!(
            told.message,
            "no connection to the cluster became free within 30s (--queue-timeout)"
        );
        assert_eq!(told.detail.as_deref(), Some(detail));
        assert_eq!(told.hint.as_deref(), Some(hint));
    }
}

#[test]
fn other_reasons() {
    let told = CheckoutError::Open("denied").to_response(of_open);
    assert_eq!(told, of_open(&"denied"));
    let told = CheckoutError::Closed.to_response(of_open);
    assert_eq!(told.sqlstate, SqlState::ADMIN_SHUTDOWN);
    assert!(told.hint.is_some());
}
