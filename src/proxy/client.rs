//! The life of one client.

use std::io;
use std::rc::Rc;
use std::time::Duration;

use bytes::BytesMut;
use tokio::time::timeout;

use super::cancel::CancelKey;
use super::farewell::{Ended, farewell, finish, shutting_down, too_crowded, too_many, too_slow};
use super::place::{Place, Seat};
use super::relay::{Relay, gone};
use super::renew::{cancel, parameters};
use super::shared::{ClusterState, Shared};
use crate::net::buffered::{Buffered, Read};
use crate::net::listen::ClientStream;
use crate::session::{ClientLogin, Greeting, Session};
use crate::upstream::Server;
use crate::wire::backend::{self, TransactionStatus};
use crate::wire::{ErrorResponse, SqlState, encode};

/// Serves a client until it or its server goes.
pub(super) async fn serve(
    stream: ClientStream,
    cluster: Rc<ClusterState>,
    shared: Rc<Shared>,
    seat: Seat,
) {
    let mut io = Buffered::new(stream);
    let limit = shared.options.login_timeout;
    let greeted = tokio::select! {
        greeted = timeout(limit, greet(&mut io, &cluster, &shared)) => greeted,
        () = shared.closing.cancelled() => Ok(Ok(Greeted::Reject(Some(shutting_down())))),
        () = seat.shown_out() => {
            tracing::info!("client shown out: too many who do not log in");
            too_crowded().encode(&mut io.output);
            // A word of farewell, if it can be had at once.
            timeout(Duration::ZERO, io.flush()).await.ok();
            return;
        }
    };
    let last_words = match greeted {
        Ok(Ok(Greeted::Login(login))) => match shared.places.take() {
            Some(place) => {
                drop(seat);
                return session(io, login, &cluster, &shared, place).await;
            }
            None => Some(too_many(shared.options.max_clients)),
        },
        Ok(Ok(Greeted::Done)) => return,
        Ok(Ok(Greeted::Reject(error))) => error,
        Ok(Err(error)) => {
            tracing::debug!(%error, "client vanished before it logged in");
            return;
        }
        Err(_elapsed) => Some(too_slow(limit)),
    };
    if let Some(error) = last_words {
        error.encode(&mut io.output);
    }
    // Still in the lobby, so that the slow cannot pile up here either.
    tokio::select! {
        () = farewell(io) => {}
        () = seat.shown_out() => {}
    }
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
                tracing::debug!(?request, found, "cancel request");
                return Ok(Greeted::Done);
            }
            Greeting::Reject(why) => {
                tracing::info!(why, "client rejected");
                return Ok(Greeted::Reject(None));
            }
        }
        io.flush().await?;
        if io.fill().await? == Read::Eof {
            return Ok(Greeted::Done);
        }
    }
}

/// From login to the end.
async fn session(
    mut io: Buffered<ClientStream>,
    login: ClientLogin,
    cluster: &ClusterState,
    shared: &Shared,
    place: Place,
) {
    let started = tokio::time::Instant::now();
    let connected = tokio::select! {
        connected = cluster.connect(&login) => connected,
        () = gone(&mut io) => {
            tracing::info!(role = %login.role, "client vanished while we connected");
            return;
        }
        () = shared.closing.cancelled() => {
            shutting_down().encode(&mut io.output);
            return farewell(io).await;
        }
    };
    let (server, key) = match connected
        .map(|server| (server, shared.cancels.register(login.version)))
    {
        Ok((server, Ok(key))) => (server, key),
        Ok((_, Err(error))) => {
            ErrorResponse::fatal(SqlState::INTERNAL_ERROR, error.to_string())
                .encode(&mut io.output);
            return farewell(io).await;
        }
        Err(error) => {
            tracing::warn!(cluster = %cluster.options.connector.endpoint, role = %login.role, %error, "cannot connect");
            error.to_response().encode(&mut io.output);
            return farewell(io).await;
        }
    };
    welcome(&server, &key, &mut io.output);
    let session = Session::new(cluster.options.policy.clone(), parameters(&server));
    let mut relay = Relay::new(io, server.io, session);
    let end = drive(&mut relay, &key, &login, cluster, shared).await;
    let statements = relay.session.statements();
    let (received, sent) = relay.client.totals();
    drop(place);
    let why = finish(relay, end).await;
    tracing::info!(
        cluster = %cluster.options.connector.endpoint,
        role = %login.role,
        pid = key.pid,
        statements,
        received,
        sent,
        seconds = started.elapsed().as_secs(),
        why,
        "session ended"
    );
}

/// Relays, and follows requests to cancel.
async fn drive(
    relay: &mut Relay,
    key: &CancelKey,
    login: &ClientLogin,
    cluster: &ClusterState,
    shared: &Shared,
) -> Ended {
    loop {
        tokio::select! {
            end = relay.run() => return Ended::Left(end),
            () = key.requested() => {
                match cancel(relay, login, cluster, shared).await {
                    Ok(()) => {}
                    Err(ended) => return ended,
                }
            }
            () = shared.closing.cancelled() => return Ended::Shutdown,
        }
    }
}

/// What a client gets to see of its server.
fn welcome(server: &Server, key: &CancelKey, out: &mut BytesMut) {
    encode::authentication_ok(out);
    for (name, value) in &server.welcome.parameters {
        encode::frame(backend::PARAMETER_STATUS, out, |body| {
            encode::cstr(name, body);
            encode::cstr(value, body);
        });
    }
    encode::backend_key_data(key.pid, &key.secret, out);
    encode::ready_for_query(TransactionStatus::Idle, out);
}
