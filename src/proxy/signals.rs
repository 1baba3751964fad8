//! What is done to a session from outside: what it waits for is ended, its transaction is taken
//! away, or it ends.

use std::pin::pin;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::age::Age;
use super::client::lost;
use super::farewell::{Ended, terminated};
use super::pause::Pause;
use super::relay::Relay;
use super::shared::{ClusterState, Shared};
use crate::dsql::limits::TRANSACTION_AGE;
use crate::observe::metrics::CancelOutcome;
use crate::session::{Abandon, Loss};
use crate::sql::PinReason;
use crate::wire::startup::CancelRequest;
use crate::wire::{ErrorResponse, SqlState};

/// How long the rest of a message may take that stands between the client and our answer.
const BOUNDARY: Duration = Duration::from_secs(5);

/// How long a server gets to cancel what it does, the way of the request included. With what comes
/// after, a client waits for less than 100 ms.
const PATIENCE: Duration = Duration::from_millis(90);

/// The same where the session would end if the server were given up.
const PATIENCE_IF_PINNED: Duration = Duration::from_secs(1);

/// Whether a cluster does what a request to cancel says. PostgreSQL does; DSQL ignores it (seen
/// 2026-09).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Cancels {
    /// It has not been asked yet.
    #[default]
    Unknown,
    /// It does.
    Works,
    /// It does not.
    Ignored,
}

/// Ends what a client waits for: the server cancels it, or the server is given up. `pinned` is
/// told if the session is pinned meanwhile.
pub(super) async fn cancel(
    relay: &mut Relay,
    cluster: &ClusterState,
    shared: &Shared,
    pinned: impl Fn(PinReason),
) -> Result<(), Ended> {
    let canceled = |outcome| cluster.metrics.cancel(outcome);
    if relay.cancel_errand() {
        canceled(CancelOutcome::Canceled);
        return Ok(());
    }
    // The server listens to its client, who can end the COPY itself (CopyFail); to end the session for
    // the sake of that would be worse.
    if relay.session.copies_in() && relay.session.pinned().is_some() {
        canceled(CancelOutcome::Ignored);
        return Ok(());
    }
    let asks = cluster.cancels.get() != Cancels::Ignored
        && !relay.session.copies_in()
        && match relay.session.abandon() {
            Abandon::Nothing => {
                canceled(CancelOutcome::Ignored);
                return Ok(());
            }
            Abandon::End(_)
            | Abandon::GiveUp {
                status: Some(_), ..
            } => true,
            // Nothing of the client's is on the server.
            Abandon::GiveUp { status: None, .. } => false,
        };
    if asks {
        match ask(relay, cluster, shared, &pinned).await? {
            Asked::Canceled => {
                cluster.cancels.set(Cancels::Works);
                canceled(CancelOutcome::Canceled);
                return Ok(());
            }
            Asked::Finished => {
                canceled(CancelOutcome::Ignored);
                return Ok(());
            }
            Asked::Ignored if cluster.cancels.get() == Cancels::Unknown => {
                tracing::info!(
                    cluster = %cluster.options.connector.endpoint,
                    "the cluster does not cancel statements: from now on a connection is given up \
                     when a client cancels one"
                );
                cluster.cancels.set(Cancels::Ignored);
            }
            Asked::Ignored | Asked::Undelivered => {}
        }
    }
    // An answer of ours cannot stand in the middle of a message: let that pass first.
    tokio::select! {
        pause = timeout(BOUNDARY, relay.run_to_boundary()) => match pause {
            Ok(None | Some(Pause::NeedsServer(_) | Pause::Expired)) => {}
            Ok(Some(Pause::Pinned(reason))) => pinned(reason),
            Ok(Some(Pause::End(end))) => return Err(Ended::Left(end)),
            Ok(Some(Pause::ServerLost(why))) => return lost(relay, &why),
            // It is the client that does not take the message: it has to do that first.
            Err(_elapsed) if !relay.client.output.is_empty() => return Ok(()),
            Err(_elapsed) => return lost(relay, "it stopped in the middle of a message"),
        },
        () = shared.closing.cancelled() => return Err(Ended::Shutdown),
    }
    match relay.session.abandon() {
        Abandon::Nothing => {
            canceled(CancelOutcome::Ignored);
            Ok(())
        }
        Abandon::End(error) => {
            canceled(outcome(&error));
            Err(Ended::Said(error, "cancel"))
        }
        Abandon::GiveUp { error, status } => {
            canceled(outcome(&error));
            if let Some(server) = relay.sever() {
                server.discard("canceled");
            }
            relay.let_replies_go();
            let mut told = std::mem::take(relay.session_output());
            relay.session.abandoned(error, status, &mut told);
            *relay.session_output() = told;
            Ok(())
        }
    }
}

/// What became of a request that was sent to the server.
#[derive(Debug, Clone, Copy)]
enum Asked {
    /// The server has cancelled what it did.
    Canceled,
    /// The server has come to an end by itself, or is gone.
    Finished,
    /// The server has got the request and goes on.
    Ignored,
    /// The request did not get through.
    Undelivered,
}

/// Asks the server to cancel what it does, and relays its answer meanwhile.
///
/// Nothing else is sent to it until the request has been dealt with, which is when its connection
/// closes: PostgreSQL signals the server process and its process group (`signal_child`,
/// `src/backend/postmaster/postmaster.c`), and the second signal may come when the first has had
/// its effect. It would hit the next statement.
async fn ask(
    relay: &mut Relay,
    cluster: &ClusterState,
    shared: &Shared,
    pinned: &impl Fn(PinReason),
) -> Result<Asked, Ended> {
    let Some(request) = relay.cancel_request() else {
        return Ok(Asked::Undelivered);
    };
    relay.listen_only(true);
    let asked = wait_for_cancel(relay, request, cluster, shared, pinned).await;
    relay.listen_only(false);
    asked
}

async fn wait_for_cancel(
    relay: &mut Relay,
    request: CancelRequest,
    cluster: &ClusterState,
    shared: &Shared,
    pinned: &impl Fn(PinReason),
) -> Result<Asked, Ended> {
    let answers = relay.session.answers();
    let cancellations = relay.session.cancellations();
    // The server may have got to the next statement by the time we look.
    let answered = |relay: &Relay| {
        relay.is_free() || relay.session.answers() != answers || relay.session.is_answered()
    };
    let mut sent = pin!(cluster.options.connector.cancel(&request));
    let mut enough = pin!(sleep(match relay.session.pinned() {
        None => PATIENCE,
        Some(_) => PATIENCE_IF_PINNED,
    }));
    let mut asked = Asked::Undelivered;
    let mut sending = true;
    let mut ended = None;
    loop {
        if let (Some(asked), false) = (ended, sending) {
            return Ok(asked);
        }
        tokio::select! {
            pause = relay.run_until(answered), if ended.is_none() => match pause {
                None if relay.session.cancellations() != cancellations => {
                    ended = Some(Asked::Canceled);
                }
                None => ended = Some(Asked::Finished),
                Some(Pause::NeedsServer(_) | Pause::Expired) => return Ok(Asked::Finished),
                Some(Pause::Pinned(reason)) => pinned(reason),
                Some(Pause::End(end)) => return Err(Ended::Left(end)),
                Some(Pause::ServerLost(why)) => {
                    return lost(relay, &why).map(|()| Asked::Finished);
                }
            },
            result = &mut sent, if sending => {
                sending = false;
                match result {
                    Ok(()) => asked = Asked::Ignored,
                    Err(error) => tracing::info!(%error, "cannot ask the server to cancel"),
                }
            }
            () = &mut enough => {
                if ended.is_some() {
                    // There may be a second signal.
                    relay.cancel_still_comes();
                }
                return Ok(ended.unwrap_or(asked));
            }
            () = shared.closing.cancelled() => return Err(Ended::Shutdown),
        }
    }
}

fn outcome(error: &ErrorResponse) -> CancelOutcome {
    if error.sqlstate == SqlState::OUTCOME_UNKNOWN {
        CancelOutcome::Unknown
    } else {
        CancelOutcome::Canceled
    }
}

/// Takes the transaction away in which a client idles for too long.
pub(super) fn expire(relay: &mut Relay) {
    let Some((age, limit)) = relay.age.as_ref().and_then(Age::exceeded) else {
        return;
    };
    let message = TRANSACTION_AGE.message(limit, age, "");
    let mut error = ErrorResponse::error(SqlState::LIMIT_EXCEEDED, message)
        .hint("It was rolled back while the client did nothing. Begin it again.");
    error.detail = TRANSACTION_AGE.detail(limit, age);
    if let Some(server) = relay.sever() {
        server.discard("transaction_age");
    }
    if let Some(age) = &relay.age {
        age.note(None);
    }
    let mut told = std::mem::take(relay.session_output());
    relay.session.expired(&error, &mut told);
    *relay.session_output() = told;
}

/// Ends a session on another's behalf, but never in the middle of a COMMIT.
pub(super) async fn terminate(relay: &mut Relay, shared: &Shared) -> Ended {
    let settle = async {
        while relay.session.loss() == Loss::Commit {
            let settled = |relay: &Relay| relay.session.loss() != Loss::Commit;
            match relay.run_until(settled).await {
                None | Some(Pause::Pinned(_)) => {}
                Some(Pause::NeedsServer(_) | Pause::Expired) => break,
                Some(Pause::End(end)) => return Some(Ended::Left(end)),
                Some(Pause::ServerLost(why)) => return lost(relay, &why).err(),
            }
        }
        match timeout(BOUNDARY, relay.run_to_boundary()).await {
            Ok(Some(Pause::End(end))) => Some(Ended::Left(end)),
            _ => None,
        }
    };
    tokio::select! {
        ended = settle => {
            ended.unwrap_or_else(|| Ended::Said(terminated(relay.session.loss()), "terminated"))
        }
        () = shared.closing.cancelled() => Ended::Shutdown,
    }
}
