//! The life of one client.

use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::task::Poll;
use std::time::{Duration, SystemTime};

use bytes::BytesMut;
use tokio::time::timeout;

use super::cancel::{Call, CancelKey};
use super::farewell::{Ended, farewell, finish, shutting_down, too_crowded, too_many, too_slow};
use super::login::{self, Known, Welcome, refused};
use super::parting::gone;
use super::pause::{End, Pause};
use super::place::{Place, Seat};
use super::relay::Relay;
use super::roster::Present;
use super::server::{RolePool, ServerCheckout};
use super::shared::{ClusterState, Shared};
use super::signals::{cancel, expire, terminate};
use super::transfer::append;
use crate::adapt::Adapter;
use crate::net::buffered::{Buffered, Read};
use crate::net::buffers::Buffers;
use crate::net::listen::ClientStream;
use crate::observe::metrics::CancelOutcome;
use crate::pool::ConnectionId;
use crate::session::{
    AfterLoss, ClientLogin, Greeting, Session, SessionId, Signal, Want, cancelled,
};
use crate::sql::PinReason;
use crate::wire::backend::TransactionStatus;
use crate::wire::{ErrorResponse, Severity, SqlState, encode};

/// Serves a client until it or its server goes.
///
/// This is a client's task for as long as it is there, and most are idle: what is needed only for
/// a while, or rarely, is boxed.
pub(super) async fn serve(
    stream: ClientStream,
    cluster: Rc<ClusterState>,
    shared: Rc<Shared>,
    seat: Seat,
) {
    let Some(mut served) = Box::pin(receive(stream, &cluster, &shared, seat)).await else {
        return;
    };
    let ended = drive(&mut served, &cluster, &shared).await;
    leave(&mut served, ended, &cluster).await;
}

/// A client that is logged in.
struct Served {
    relay: Relay,
    key: CancelKey,
    /// Until it leaves.
    present: Option<(Place, Present)>,
    started: tokio::time::Instant,
}

/// Logs a client in. `None` if it has been sent away.
async fn receive(
    stream: ClientStream,
    cluster: &ClusterState,
    shared: &Shared,
    seat: Seat,
) -> Option<Box<Served>> {
    let (io, login, place) = identify(stream, cluster, shared, seat).await?;
    log_in(io, login, cluster, shared, place).await
}

/// Finds out who a client is. `None` if it has been sent away.
async fn identify(
    stream: ClientStream,
    cluster: &ClusterState,
    shared: &Shared,
    seat: Seat,
) -> Option<(Buffered<ClientStream>, ClientLogin, Place)> {
    let mut io = Buffered::new(stream);
    io.share(&shared.buffers);
    io.read_at_once();
    let limit = shared.options.login_timeout;
    let greeted = tokio::select! {
        // First, since what follows has not to be made ready if the client speaks at once.
        biased;
        greeted = timeout(limit, greet(&mut io, cluster, shared)) => greeted,
        () = shared.closing.cancelled() => Ok(Ok(Greeted::Reject(Some(shutting_down())))),
        () = seat.shown_out() => {
            tracing::info!("client shown out: too many who do not log in");
            say(cluster, &too_crowded(), &mut io);
            // A word of farewell, if it can be had at once.
            timeout(Duration::ZERO, io.flush()).await.ok();
            return None;
        }
    };
    let last_words = match greeted {
        Ok(Ok(Greeted::Login(login))) => match shared.places.take() {
            Some(place) => return Some((io, login, place)),
            None => Some(too_many(shared.options.max_clients)),
        },
        Ok(Ok(Greeted::Done)) => return None,
        Ok(Ok(Greeted::Reject(error))) => error,
        Ok(Err(error)) => {
            tracing::debug!(%error, "client vanished before it logged in");
            return None;
        }
        Err(_elapsed) => Some(too_slow(limit)),
    };
    if let Some(error) = last_words {
        say(cluster, &error, &mut io);
    }
    // Still in the lobby, so that the slow cannot pile up here either.
    tokio::select! {
        () = farewell(&mut io) => {}
        () = seat.shown_out() => {}
    }
    None
}

/// Sends an error of ours to a client that has no session.
fn say(cluster: &ClusterState, error: &ErrorResponse, io: &mut Buffered<ClientStream>) {
    cluster.metrics.rejected(error.sqlstate.as_str());
    error.encode(&mut io.output);
}

enum Greeted {
    Login(ClientLogin),
    Done,
    Reject(Option<ErrorResponse>),
}

async fn greet(
    io: &mut Buffered<ClientStream>,
    cluster: &ClusterState,
    shared: &Shared,
) -> io::Result<Greeted> {
    let mut expect = ClientLogin::expect();
    loop {
        let role = &cluster.options.default_role;
        match expect.on_input(&mut io.input, &mut io.output, &cluster.options.policy, role) {
            Greeting::ReadMore => {}
            Greeting::Login(login) => return Ok(Greeted::Login(login)),
            Greeting::Cancel(request) => {
                let found = shared.cancels.cancel(&request);
                if !found {
                    cluster.metrics.cancel(CancelOutcome::NoSession);
                }
                tracing::debug!(?request, found, "cancel request");
                return Ok(Greeted::Done);
            }
            Greeting::Reject(why) => {
                tracing::info!(why, "client rejected");
                return Ok(Greeted::Reject(None));
            }
            Greeting::Refuse(error, why) => {
                tracing::info!(why, "client rejected");
                return Ok(Greeted::Reject(Some(error)));
            }
        }
        io.flush().await?;
        if io.fill().await? == Read::Eof {
            return Ok(Greeted::Done);
        }
    }
}

/// Greets a client. `None` if it got an error instead.
async fn log_in(
    io: Buffered<ClientStream>,
    mut login: ClientLogin,
    cluster: &ClusterState,
    shared: &Shared,
    place: Place,
) -> Option<Box<Served>> {
    let started = tokio::time::Instant::now();
    let pool = cluster.pool(&login);
    let present = cluster.enter(&pool);
    let kept = std::mem::take(&mut login.kept);
    let known = pool.known(&login.parameters);
    let version = login.version;
    let (mut io, welcome) = if let Some(known) = known {
        drop(login);
        (io, Welcome::from(known))
    } else {
        let asked = Box::pin(ask(io, &pool, login, cluster, shared));
        asked.await?
    };
    let key = match shared.cancels.register(version, cluster.owner(&pool)) {
        Ok(key) => key,
        Err(error) => {
            let error = ErrorResponse::fatal(SqlState::INTERNAL_ERROR, error.to_string());
            say(cluster, &error, &mut io);
            farewell(&mut io).await;
            return None;
        }
    };
    greet_back(&welcome.known, &key, &mut io.output, &shared.buffers);
    let mut session = Session::new(
        SessionId(present.id()),
        Rc::clone(&pool.sessions),
        welcome.known.profile,
    );
    session.introduce(key.identity());
    let policy = Rc::clone(&pool.sessions.policy);
    let locks = cluster.locks(&pool.database);
    let adapter = match Adapter::new(policy, &kept, &locks, key.pid) {
        Ok(adapter) => adapter,
        Err(error) => {
            io.output.clear();
            say(cluster, &error, &mut io);
            farewell(&mut io).await;
            return None;
        }
    };
    session.filter_notices(adapter.level());
    let mut relay = Relay::new(io, session, adapter, pool, shared.buffers.clone());
    relay.age = cluster
        .ages
        .as_ref()
        .map(|ages| ages.enter(key.pid, key.mailbox()));
    if let Some(server) = welcome.private {
        relay.session.pin(PinReason::Startup);
        relay.attach(server);
    }
    Some(Box::new(Served {
        relay,
        key,
        present: Some((place, present)),
        started,
    }))
}

/// The end of a session.
async fn leave(served: &mut Served, ended: Ended, cluster: &ClusterState) {
    let relay = &mut served.relay;
    let counts = relay.session.counts();
    let (received, sent) = relay.client.totals();
    relay.publish();
    served.present = None;
    let why = finish(relay, ended).await;
    // The next client needs them.
    relay.client.rest();
    tracing::info!(
        cluster = %cluster.options.connector.endpoint,
        role = %relay.pool.role,
        pid = served.key.pid,
        statements = counts.statements,
        transactions = counts.transactions,
        received,
        sent,
        seconds = served.started.elapsed().as_secs(),
        why,
        "session ended"
    );
}

/// Finds out on a server what a client gets that brings what nobody has brought before. `None` if
/// it has been told why it gets nothing, or is gone.
async fn ask(
    mut io: Buffered<ClientStream>,
    pool: &RolePool,
    login: ClientLogin,
    cluster: &ClusterState,
    shared: &Shared,
) -> Option<(Buffered<ClientStream>, Welcome)> {
    let welcomed = tokio::select! {
        welcomed = login::welcome(pool, login.parameters) => welcomed,
        () = gone(&mut io) => {
            tracing::info!(role = %login.role, "client vanished while we connected");
            return None;
        }
        () = shared.closing.cancelled() => {
            say(cluster, &shutting_down(), &mut io);
            farewell(&mut io).await;
            return None;
        }
    };
    match welcomed {
        Ok(welcome) => Some((io, welcome)),
        Err(error) => {
            say(cluster, &error, &mut io);
            farewell(&mut io).await;
            None
        }
    }
}

/// Relays, and decides what relaying cannot.
async fn drive(served: &mut Served, cluster: &ClusterState, shared: &Shared) -> Ended {
    let Served {
        relay,
        key,
        present,
        ..
    } = served;
    let (key, present) = (&*key, &*present);
    let pinned = |reason: PinReason| {
        cluster.metrics.pinned(reason.as_str());
        if let Some((_, present)) = present {
            present.pinned(key.pid, reason.as_str(), SystemTime::now());
        }
        tracing::info!(
            pid = key.pid,
            reason = reason.explanation(),
            "session pinned to its server"
        );
    };
    loop {
        let pause = match relay_or_call(relay, key).await {
            Ok(pause) => pause,
            Err(Call::Close) => return Ended::Shutdown,
            Err(Call::Signal(signal)) => {
                let done = match signal {
                    Signal::Cancel => Box::pin(cancel(relay, cluster, shared, pinned)).await,
                    // It is for the relay to see whether the client idles.
                    Signal::Expire => Ok(()),
                    Signal::Terminate => Err(Box::pin(terminate(relay, shared)).await),
                };
                match done {
                    Ok(()) => continue,
                    Err(ended) => return ended,
                }
            }
        };
        match pause {
            Pause::End(End::ClientLost(_)) if relay.goes_on_alone() => {}
            Pause::End(end) => return Ended::Left(end),
            Pause::Pinned(reason) => pinned(reason),
            Pause::Expired => {
                tracing::info!(pid = key.pid, "rolled back: its transaction is too old");
                expire(relay);
            }
            Pause::ServerLost(why) => {
                tracing::info!(pid = key.pid, why, "server lost");
                if let Err(ended) = lost(relay, &why) {
                    return ended;
                }
            }
            Pause::NeedsServer(want) => match Box::pin(wait(relay, want, key, cluster)).await {
                Ok(()) => {}
                Err(Waited::Ended(ended)) => return ended,
                Err(Waited::Terminated) => return Box::pin(terminate(relay, shared)).await,
            },
        }
    }
}

/// Why nobody waits for a server any more.
enum Waited {
    Ended(Ended),
    /// Another session has ended this one.
    Terminated,
}

/// Waits for a server.
async fn wait(
    relay: &mut Relay,
    want: Want,
    key: &CancelKey,
    cluster: &ClusterState,
) -> Result<(), Waited> {
    let waiting = tokio::time::Instant::now();
    let found = tokio::select! {
        found = find(relay.pool.clone(), relay.session.id(), relay.sequences(), want) => found,
        () = relay.client_gone() => return Err(Waited::Ended(Ended::Left(End::ClientDone))),
        call = key.called() => {
            match call {
                Call::Close => return Err(Waited::Ended(Ended::Shutdown)),
                // It has nothing that could be taken away.
                Call::Signal(Signal::Expire) => return Ok(()),
                Call::Signal(Signal::Terminate) => return Err(Waited::Terminated),
                Call::Signal(Signal::Cancel) => {}
            }
            cluster.metrics.cancel(CancelOutcome::Canceled);
            relay.session.refuse_next(cancelled());
            relay.wait_is_over();
            return Ok(());
        }
    };
    cluster.metrics.waited(waiting.elapsed());
    match found {
        Ok(server) => relay.attach(server),
        Err(error) => {
            relay.session.refuse_next(error.severity(Severity::Error));
            relay.wait_is_over();
        }
    }
    Ok(())
}

/// Relays until something has to be decided, or is wanted of us. Not `select!`: all of this is
/// looked at for every message.
async fn relay_or_call(relay: &mut Relay, key: &CancelKey) -> Result<Pause, Call> {
    poll_fn(|cx| match key.poll_called(cx) {
        Poll::Ready(call) => Poll::Ready(Err(call)),
        Poll::Pending => relay.poll(cx).map(Ok),
    })
    .await
}

/// A server for a session.
async fn find(
    pool: Rc<RolePool>,
    session: SessionId,
    sequences: Option<ConnectionId>,
    want: Want,
) -> Result<ServerCheckout, ErrorResponse> {
    let found = match want {
        Want::Any => pool.pool.checkout().await,
        Want::Sequences => {
            let own = sequences.and_then(|id| pool.pool.checkout_this(id));
            match own {
                Some(server) if server.state.sequences_are_readable_by(session) => {
                    return Ok(server);
                }
                Some(server) => server.release(),
                None => {}
            }
            pool.pool.checkout_private(Vec::new()).await
        }
    };
    found.map_err(|error| refused(&error))
}

/// The server is gone. An error is how the session ends.
pub(super) fn lost(relay: &mut Relay, why: &str) -> Result<(), Ended> {
    let whole = relay.at_boundary();
    if let Some(server) = relay.sever() {
        server.discard("lost");
    }
    relay.let_replies_go();
    let mut told = std::mem::take(relay.session_output());
    let after = relay.session.lost(why, &mut told);
    *relay.session_output() = told;
    match after {
        // Half a message of the old server's is all that the client has.
        _ if !whole => Err(Ended::Cut),
        AfterLoss::Ends(error) => Err(Ended::Said(error, "server closed")),
        AfterLoss::GoesOn => Ok(()),
    }
}

/// What a client gets to see of its server.
fn greet_back(known: &Known, key: &CancelKey, out: &mut BytesMut, buffers: &Buffers) {
    append(out, &known.greeting, buffers);
    encode::backend_key_data(key.pid, key.secret(), out);
    encode::ready_for_query(TransactionStatus::Idle, out);
}
