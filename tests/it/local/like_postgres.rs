//! What DSQL and PostgreSQL do alike, the front does as PostgreSQL does it: the same messages as
//! from the PostgreSQL behind it.

mod random;

use dsql_proxy::local::{Cluster, LocalOptions};
use dsql_proxy::wire::ErrorFields;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::client::TlsStream;

use super::client::Access;
use super::frames::Frames;
use super::{serve_while, superuser};
use crate::support::raw::{Message, RawClient};

/// Messages to send, and the type of the last message of the answer.
type Step = (Frames, u8);

#[tokio::test]
async fn statements_in_both_protocols() {
    let query = |sql: &str| (Frames::query(sql), b'Z');
    let group = |sql: &str| (Frames::default().run(sql).sync(), b'Z');
    let text = include_str!("like_postgres/both.txt");
    let mut scripts = scripts(text, query);
    scripts.extend(self::scripts(text, group));
    compare(&scripts).await;
}

#[tokio::test]
async fn queries_of_several_statements() {
    let query = |sql: &str| (Frames::query(sql), b'Z');
    compare(&scripts(include_str!("like_postgres/queries.txt"), query)).await;
}

#[tokio::test]
async fn groups_of_messages() {
    compare(&scripts(include_str!("like_postgres/groups.txt"), step)).await;
}

#[tokio::test]
async fn groups_that_nobody_thought_of() {
    compare(&scripts(&random::scripts(100), step)).await;
}

fn scripts(text: &str, step: impl Fn(&str) -> Step) -> Vec<Vec<Step>> {
    let script = |text: &str| {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines.filter(|line| !line.is_empty()).map(&step).collect()
    };
    text.split("\n\n").map(script).collect()
}

/// A line of `groups.txt`.
fn step(line: &str) -> Step {
    let (frames, last) = match line.rsplit_once(" > ") {
        Some((frames, last)) => (frames, last.as_bytes()[0]),
        None => (line, b'Z'),
    };
    (frames.split(" | ").fold(Frames::default(), frame), last)
}

fn frame(frames: Frames, text: &str) -> Frames {
    let (kind, rest) = text.split_once(' ').unwrap_or((text, ""));
    let (first, second) = rest.split_once(' ').unwrap_or((rest, ""));
    let data = rest.replace("\\n", "\n");
    match kind {
        "query" => frames.then(&Frames::query(rest)),
        "run" => frames.run(rest),
        "parse" => frames.parse(name(first), second),
        "bind" => match second.split_once(' ') {
            Some((statement, parameter)) => {
                frames.bind_to(name(first), name(statement), &[parameter])
            }
            None => frames.bind(name(first), name(second)),
        },
        "describe" => frames.describe(first.parse().unwrap(), name(second)),
        "close" => frames.close(first.parse().unwrap(), name(second)),
        "execute" => frames.execute(name(first), second.parse().unwrap()),
        "flush" => frames.flush(),
        "sync" => frames.sync(),
        "data" => frames.copy_data(&data),
        "done" => frames.copy_done(),
        "fail" => frames.copy_fail(rest),
        "more" => frames,
        other => panic!("{other}"),
    }
}

fn name(name: &str) -> &str {
    if name == "-" { "" } else { name }
}

/// Runs each script over the front and past it, from the same beginning.
async fn compare(scripts: &[Vec<Step>]) {
    let options = LocalOptions::default();
    let mut cluster = Box::pin(Cluster::start(options)).await.unwrap();
    let access = Access::to(&cluster);
    let sockets = cluster.directory().join("socket");
    let mut differences = vec![];
    let run = Box::pin(async {
        let mut pair = Pair::new(&access, &sockets).await;
        for script in scripts {
            differences.extend(pair.difference(script).await);
        }
    });
    Box::pin(serve_while(&mut cluster, run)).await.unwrap();
    cluster.stop().await;
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// A session over the front, one past it, and one that prepares their table.
struct Pair {
    front: RawClient<TlsStream<TcpStream>>,
    behind: RawClient<UnixStream>,
    superuser: tokio_postgres::Client,
}

impl Pair {
    async fn new(access: &Access, sockets: &std::path::Path) -> Self {
        let mut admin = access.login("admin").await;
        admin
            .run(&[
                "CREATE TABLE t (id int PRIMARY KEY, v text NOT NULL)",
                "CREATE TABLE child (id int PRIMARY KEY, parent int)",
            ])
            .await;
        let superuser = superuser(sockets).await;
        // A constraint that fails at COMMIT.
        let deferred = "ALTER TABLE child ADD FOREIGN KEY (parent) REFERENCES t
            DEFERRABLE INITIALLY DEFERRED";
        superuser.batch_execute(deferred).await.unwrap();
        let socket = UnixStream::connect(sockets.join(".s.PGSQL.5432")).await;
        let mut behind = RawClient::new(socket.unwrap());
        behind.start("admin").await.unwrap();
        Self {
            front: RawClient::new(admin.into_stream()),
            behind,
            superuser,
        }
    }

    /// What was sent and both answers, if they are not the same.
    async fn difference(&mut self, script: &[Step]) -> Option<String> {
        self.reset().await;
        let behind = answers(&mut self.behind, script).await;
        self.reset().await;
        let front = answers(&mut self.front, script).await;
        let at = front.iter().zip(&behind).position(|(a, b)| a != b);
        let at = at.or_else(|| (front.len() != behind.len()).then_some(0))?;
        let sent: Vec<_> = script
            .iter()
            .map(|(frames, _)| printable(&frames.0))
            .collect();
        Some(format!(
            "{}\n  from answer {at} on, the front:\n    {}\n  PostgreSQL:\n    {}\n",
            sent.join("\n"),
            front[at..].join("\n    "),
            behind[at..].join("\n    ")
        ))
    }

    async fn reset(&mut self) {
        let script = "TRUNCATE t, child; INSERT INTO t VALUES (1, 'one'), (2, 'two'), (3, 'three');
            DROP TABLE IF EXISTS made, made2";
        self.superuser.batch_execute(script).await.unwrap();
    }
}

async fn answers<S>(client: &mut RawClient<S>, script: &[Step]) -> Vec<String>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut answers = vec![];
    for (frames, last) in script {
        client.send(&frames.0).await;
        loop {
            let Some(message) = client.next().await else {
                answers.push("the end".to_owned());
                return answers;
            };
            // PostgreSQL tells of a parameter before ReadyForQuery, the front after the statement.
            if message.0 != b'S' {
                answers.push(show(&message));
            }
            if message.0 == *last || message.0 == b'Z' {
                break;
            }
        }
    }
    answers
}

/// A message as text, but not where in PostgreSQL's source an error was raised.
fn show((tag, body): &Message) -> String {
    let tag = char::from(*tag);
    if matches!(tag, 'E' | 'N') {
        let fields = ErrorFields::read(body).unwrap();
        let fields: Vec<_> = fields
            .iter()
            .filter(|(code, _)| !b"FLR".contains(code))
            .map(|(code, value)| format!("{}={}", char::from(code), printable(value)))
            .collect();
        return format!("{tag} {}", fields.join(" "));
    }
    format!("{tag} {}", printable(body))
}

fn printable(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).escape_debug().to_string()
}
