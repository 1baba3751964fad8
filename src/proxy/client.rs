//! The life of one client.

use std::io;
use std::rc::Rc;
use std::time::Duration;

use bytes::BytesMut;
use tokio::time::timeout;

use super::cancel::CancelKey;
use super::relay::{End, Relay};
use super::setup::{ClusterState, Shared};
use crate::net::buffered::{Buffered, Read};
use crate::net::listen::ClientStream;
use crate::session::{Abandon, ClientLogin, Greeting, Loss, Session};
use crate::upstream::{ConnectError, Server};
use crate::wire::backend::{self, TransactionStatus};
use crate::wire::frame::HEADER;
use crate::wire::startup::ProtocolVersion;
use crate::wire::{ErrorResponse, FrameScanner, SqlState, Step, encode};

/// How long a client gets to take our last words.
const FAREWELL: Duration = Duration::from_secs(2);

/// How long a server gets to take our goodbye.
const GOODBYE: Duration = Duration::from_millis(500);

/// A frame of a server that has just logged in and is being prepared may be this long, in bytes.
const MAX_PREPARE_MESSAGE: usize = 64 * 1024;

/// Serves a client until it or its server goes.
pub(super) async fn serve(
    stream: ClientStream,
    cluster: Rc<ClusterState>,
    shared: Rc<Shared>,
    place: super::accept::Place,
) {
    let mut io = Buffered::new(stream);
    let greeting = tokio::select! {
        greeting = timeout(shared.options.login_timeout, greet(&mut io, &cluster, &shared)) => greeting,
        () = shared.closing.cancelled() => Ok(Ok(Greeted::Reject(Some(shutting_down())))),
    };
    let login = match greeting {
        Ok(Ok(Greeted::Login(login))) => login,
        Ok(Ok(Greeted::Done)) => return,
        Ok(Ok(Greeted::Reject(error))) => {
            if let Some(error) = error {
                error.encode(&mut io.output);
            }
            return farewell(io).await;
        }
        Ok(Err(error)) => {
            tracing::debug!(%error, "client vanished before it logged in");
            return;
        }
        Err(_elapsed) => {
            too_slow(shared.options.login_timeout).encode(&mut io.output);
            return farewell(io).await;
        }
    };
    if place.over_limit {
        too_many(shared.options.max_clients).encode(&mut io.output);
        return farewell(io).await;
    }
    session(io, login, &cluster, &shared).await;
    drop(place);
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
    shared: &Rc<Shared>,
) {
    let started = tokio::time::Instant::now();
    let login = Rc::new(login);
    let connected = tokio::select! {
        connected = connect(cluster, &login) => connected,
        gone = vanished(&mut io) => {
            tracing::info!(role = %login.role, error = ?gone, "client vanished while we connected");
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
    welcome(&server, &key, login.version, &mut io.output);
    let session = Session::new(cluster.options.policy.clone());
    let mut relay = Relay::new(io, server.io, session);
    let end = drive(&mut relay, &key, &login, cluster, shared).await;
    let statements = relay.session.statements();
    let (received, sent) = relay.client.totals();
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
            () = shared.closing.cancelled() => return Ended::Said(shutting_down(), "shutdown"),
        }
    }
}

enum Ended {
    Left(End),
    Said(ErrorResponse, &'static str),
}

/// Gives up the wait that a client wants to end.
async fn cancel(
    relay: &mut Relay,
    login: &ClientLogin,
    cluster: &ClusterState,
    shared: &Shared,
) -> Result<(), Ended> {
    // An answer of ours cannot stand in the middle of a message: let that pass first.
    if let Some(end) = relay.run_to_boundary().await {
        return Err(Ended::Left(end));
    }
    let (error, status) = match relay.session.abandon() {
        Abandon::Nothing => return Ok(()),
        Abandon::End(error) => return Err(Ended::Said(error, "cancel")),
        Abandon::Replace { error, status } => (error, status),
    };
    let mut messages = BytesMut::new();
    let replies = relay.session.continuity().replay(&mut messages);
    let renewed = tokio::select! {
        renewed = renew(cluster, login, messages, replies, status) => renewed,
        () = shared.closing.cancelled() => return Err(Ended::Said(shutting_down(), "shutdown")),
    };
    match renewed {
        Ok(server) => {
            relay.replace_server(server);
            relay
                .session
                .replaced(&error, status, &mut relay.client.output);
            Ok(())
        }
        Err(failed) => {
            let error = error.severity(crate::wire::Severity::Fatal).hint(format!(
                "The session could not go on: {failed}. Connect again."
            ));
            Err(Ended::Said(error, "cancel"))
        }
    }
}

/// A new server in the state that the session needs.
async fn renew(
    cluster: &ClusterState,
    login: &ClientLogin,
    mut messages: BytesMut,
    mut replies: usize,
    status: TransactionStatus,
) -> Result<Buffered<crate::upstream::ServerStream>, String> {
    let mut server = connect(cluster, login)
        .await
        .map_err(|error| error.to_string())?
        .io;
    if status == TransactionStatus::Failed {
        // The block stays failed until the client ends it, so the new server is brought into a
        // failed block: by a statement that no PostgreSQL accepts.
        encode::query(b"BEGIN", &mut messages);
        encode::query(b"CANCELED BY THE CLIENT", &mut messages);
        replies += 2;
    }
    if replies == 0 {
        return Ok(server);
    }
    server.output = messages;
    let mut reached = TransactionStatus::Idle;
    let mut scanner = FrameScanner::new();
    while replies > 0 {
        server.flush().await.map_err(|error| error.to_string())?;
        match scanner
            .step(&server.input, |_| MAX_PREPARE_MESSAGE)
            .map_err(|e| e.to_string())?
        {
            Step::NeedMore => match server.fill().await {
                Ok(Read::Some) => {}
                Ok(Read::Eof) => return Err("the server closed the connection".into()),
                Err(error) => return Err(error.to_string()),
            },
            Step::Rest(n) => drop(server.input.split_to(n)),
            Step::Head { tag, seen, .. } => {
                let frame = server.input.split_to(HEADER + seen);
                if tag == backend::READY_FOR_QUERY {
                    replies -= 1;
                    reached = TransactionStatus::read(&frame[HEADER..])
                        .map_err(|malformed| malformed.to_string())?;
                }
            }
        }
    }
    if reached == status {
        Ok(server)
    } else {
        Err("its transaction could not be ended".into())
    }
}

async fn connect(cluster: &ClusterState, login: &ClientLogin) -> Result<Server, ConnectError> {
    let options = &cluster.options;
    let mut parameters = vec![
        (b"user".to_vec(), login.role.clone().into_bytes()),
        (
            b"database".to_vec(),
            login
                .database
                .as_ref()
                .unwrap_or(&options.default_database)
                .clone()
                .into_bytes(),
        ),
    ];
    if !login.has_search_path
        && let Some(path) = (options.search_path)(&login.role)
    {
        parameters.push((b"search_path".to_vec(), path.into_bytes()));
    }
    parameters.extend(login.parameters.iter().cloned());
    options.connector.connect(&login.role, &parameters).await
}

/// What a client gets to see of its server.
fn welcome(server: &Server, key: &CancelKey, version: ProtocolVersion, out: &mut BytesMut) {
    let _ = version;
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

/// Waits until the client is gone. What it sends meanwhile is kept, up to a limit.
async fn vanished(io: &mut Buffered<ClientStream>) -> Option<io::Error> {
    loop {
        if !io.input.is_empty() && io.input.len() >= crate::net::buffered::HIGH_WATER {
            std::future::pending::<()>().await;
        }
        match io.fill().await {
            Ok(Read::Some) => {}
            Ok(Read::Eof) => return None,
            Err(error) => return Some(error),
        }
    }
}

/// Says goodbye on both sides. Why the session ended, for the log.
async fn finish(mut relay: Relay, ended: Ended) -> &'static str {
    let (said, why) = match ended {
        Ended::Said(error, why) => (Some(error), why),
        Ended::Left(End::ClientDone) => (None, "client closed"),
        Ended::Left(End::ClientLost(error)) => {
            tracing::debug!(%error, "client vanished");
            (None, "client vanished")
        }
        Ended::Left(End::ClientRefused(error)) => (Some(error), "client broke the protocol"),
        Ended::Left(End::ServerClosed(_)) if relay.session.fatal_seen() => (None, "server closed"),
        Ended::Left(End::ServerClosed(source)) => (
            Some(server_lost(relay.session.loss(), source.as_ref())),
            "server closed",
        ),
        Ended::Left(End::ServerBroken(why)) => (
            Some(
                ErrorResponse::fatal(
                    SqlState::PROTOCOL_VIOLATION,
                    "the server broke the protocol",
                )
                .detail(why),
            ),
            "server broke the protocol",
        ),
    };
    if let Some(error) = said
        && relay.at_boundary()
    {
        error.encode(&mut relay.client.output);
    }
    encode::terminate(&mut relay.server.output);
    let Relay {
        mut server, client, ..
    } = relay;
    let goodbye = async {
        timeout(GOODBYE, server.close()).await.ok();
    };
    tokio::join!(goodbye, farewell(client));
    why
}

/// Delivers what is in the output and closes, without losing it: a socket that is closed while
/// the peer's bytes are unread resets the connection, and the peer may never see our last words.
async fn farewell(mut io: Buffered<ClientStream>) {
    let deliver = async {
        io.close().await?;
        loop {
            io.input.clear();
            if io.fill().await? == Read::Eof {
                return io::Result::Ok(());
            }
        }
    };
    timeout(FAREWELL, deliver).await.ok();
}

fn server_lost(loss: Loss, source: Option<&io::Error>) -> ErrorResponse {
    let source = source.map(|e| format!(": {e}")).unwrap_or_default();
    match loss {
        Loss::Nothing => ErrorResponse::fatal(
            SqlState::CONNECTION_FAILURE,
            format!("the connection to Aurora DSQL was lost{source}"),
        )
        .detail("No transaction was open.")
        .hint("Connect again. DSQL closes every connection after 60 minutes."),
        Loss::RolledBack => ErrorResponse::fatal(
            SqlState::CONNECTION_FAILURE,
            format!("the connection to Aurora DSQL was lost{source}"),
        )
        .detail("The open transaction was rolled back.")
        .hint("Connect again and repeat the transaction."),
        Loss::Unknown | Loss::Commit => ErrorResponse::fatal(
            SqlState::OUTCOME_UNKNOWN,
            format!("the connection to Aurora DSQL was lost and the outcome is unknown{source}"),
        )
        .detail("What was in flight may or may not have been committed.")
        .hint("Connect again and check whether it took effect before you repeat it."),
    }
}

fn shutting_down() -> ErrorResponse {
    ErrorResponse::fatal(
        SqlState::ADMIN_SHUTDOWN,
        "terminating connection because the proxy is shutting down",
    )
    .hint("Connect again once it is back.")
}

fn too_slow(limit: Duration) -> ErrorResponse {
    ErrorResponse::fatal(
        SqlState::PROTOCOL_VIOLATION,
        format!(
            "no complete startup packet within {} (--login-timeout)",
            humantime::format_duration(limit)
        ),
    )
}

fn too_many(limit: usize) -> ErrorResponse {
    ErrorResponse::fatal(
        SqlState::TOO_MANY_CONNECTIONS,
        "sorry, too many clients already",
    )
    .detail(format!(
        "The proxy serves {limit} clients at a time (--max-clients)."
    ))
    .hint("Close connections that are not used, or raise --max-clients.")
}
