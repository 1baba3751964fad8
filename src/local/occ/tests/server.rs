//! A PostgreSQL prepared as that of a local cluster, and sessions that use blocks as the front does.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use tokio_postgres::{AsyncMessage, NoTls, SimpleQueryMessage};

use super::super::block::OPEN;
use super::super::{Behind, Block, Change, Commit, Failed, Ground, Reply, Retry};
use crate::local::bootstrap;
use crate::local::directory::DataDirectory;
use crate::local::postgres::{self, Admin, Binaries, Launcher, Postgres};
use crate::wire::SqlState;

pub(super) struct Server {
    // Dropped in this order.
    _postgres: Postgres,
    sockets: PathBuf,
    _directory: DataDirectory,
}

impl Server {
    pub(super) async fn start() -> Self {
        let launcher = Launcher::new().await.unwrap();
        let path = std::env::var_os("PATH");
        let binaries = Binaries::find(None, path.as_deref(), None).await.unwrap();
        let directory = DataDirectory::open(None, &launcher).unwrap();
        let places = directory.places();
        postgres::create(&binaries, &launcher, &places)
            .await
            .unwrap();
        let durability = directory.durability();
        let postgres = Postgres::start(&binaries, &launcher, &places, durability)
            .await
            .unwrap();
        let mut admin = Admin::connect(postgres.socket()).await.unwrap();
        bootstrap::prepare(&mut admin).await.unwrap();
        Self {
            sockets: postgres.socket().parent().unwrap().to_owned(),
            _postgres: postgres,
            _directory: directory,
        }
    }

    /// A session of the role `admin`.
    pub(super) async fn session(&self) -> Session {
        let session = self.session_as("admin").await;
        // A test that has to fail does not hang.
        session.script("SET lock_timeout = '20s'").await;
        session
    }

    pub(super) async fn session_as(&self, role: &str) -> Session {
        let mut config = tokio_postgres::Config::new();
        config
            .host_path(&self.sockets)
            .user(role)
            .dbname("postgres");
        Session::open(config).await
    }
}

pub(super) struct Session {
    client: tokio_postgres::Client,
    config: tokio_postgres::Config,
    told: Arc<Mutex<Vec<Change>>>,
    block: Option<Block>,
}

impl Session {
    async fn open(config: tokio_postgres::Config) -> Self {
        let (client, mut connection) = config.connect(NoTls).await.unwrap();
        let told = Arc::new(Mutex::new(vec![]));
        let heard = Arc::clone(&told);
        tokio::spawn(async move {
            while let Some(Ok(message)) =
                std::future::poll_fn(|cx| connection.poll_message(cx)).await
            {
                if let AsyncMessage::Notice(notice) = message
                    && notice.datatype() == Some("delta")
                {
                    assert_eq!(notice.schema(), Some("dsql_local"));
                    let detail = notice.detail().unwrap();
                    heard
                        .lock()
                        .unwrap()
                        .push(Change::parse(detail.as_bytes()).unwrap());
                }
            }
        });
        Self {
            client,
            config,
            told,
            block: None,
        }
    }

    /// Another session of the same role.
    pub(super) async fn sibling(&self) -> Self {
        Self::open(self.config.clone()).await
    }

    pub(super) async fn pid(&self) -> String {
        self.value("SELECT pg_backend_pid()").await
    }

    pub(super) fn block(&mut self) -> &mut Block {
        self.block.as_mut().unwrap()
    }
}

/// What a statement answered: its rows, values joined by commas, and the number in its tag.
pub(super) type Answer = Result<(Vec<String>, u64), String>;

impl Behind for Session {
    type Lost = String;

    fn may_try_again(&self) -> bool {
        false
    }

    async fn run(&mut self, sql: &str) -> Result<Reply, Failed<String>> {
        let messages = match self.client.simple_query(sql).await {
            Ok(messages) => messages,
            Err(error) => {
                self.told.lock().unwrap().clear();
                let Some(code) = error.code() else {
                    return Err(Failed::Lost(error.to_string()));
                };
                return Err(Failed::Statement(
                    SqlState::parse(code.code().as_bytes()).unwrap(),
                ));
            }
        };
        let mut rows = vec![];
        for message in messages {
            if let SimpleQueryMessage::Row(row) = message {
                let value = |at| row.get(at).map(str::to_owned);
                rows.push((0..row.len()).map(value).collect());
            }
        }
        let changes = std::mem::take(&mut *self.told.lock().unwrap());
        Ok(Reply { rows, changes })
    }
}

impl Session {
    /// Runs statements that must work.
    pub(super) async fn script(&self, sql: &str) {
        self.client.batch_execute(sql).await.unwrap();
    }

    pub(super) async fn value(&self, sql: &str) -> String {
        let messages = self.client.simple_query(sql).await.unwrap();
        let row = messages.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        row.unwrap().get(0).unwrap_or("NULL").to_owned()
    }

    pub(super) fn changes(&self) -> Vec<Change> {
        std::mem::take(&mut *self.told.lock().unwrap())
    }

    pub(super) async fn begin(&mut self) {
        self.script(&format!("BEGIN; {OPEN}")).await;
        self.block = Some(Block::new());
    }

    pub(super) async fn park(&mut self) {
        let mut block = self.block.take().unwrap();
        assert!(block.can_park());
        block.park(self).await.unwrap();
        self.block = Some(block);
    }

    /// Runs a statement, in the block if there is one.
    pub(super) async fn run_one(&mut self, sql: &str) -> Answer {
        match self.block.take() {
            None => self
                .query(sql)
                .await
                .map(|(answer, _)| answer)
                .map_err(|(_, text)| text),
            Some(mut block) => {
                let answer = self.in_block(&mut block, sql).await;
                self.block = Some(block);
                answer
            }
        }
    }

    async fn in_block(&mut self, block: &mut Block, sql: &str) -> Answer {
        let locks = sql.contains("FOR ") && sql.starts_with("SELECT");
        let mut ground = block.ready(self, sql.as_bytes()).await.unwrap();
        let mut first = None;
        loop {
            let text = match &ground {
                Ground::Tables => sql.to_owned(),
                Ground::Shadows(text) => String::from_utf8(text.clone()).unwrap(),
                Ground::Nowhere => return Err("OC000 at the statement".to_owned()),
            };
            if locks {
                self.script(Block::BEFORE_LOCKING).await;
            }
            let (code, text) = match self.query(&text).await {
                Ok((answer, changes)) => {
                    for change in changes {
                        block.told(change);
                    }
                    if locks {
                        block.locked(self, text.as_bytes()).await.unwrap();
                    }
                    block.ran(self).await.unwrap();
                    return Ok(answer);
                }
                Err(error) => error,
            };
            match block.failed(self, sql.as_bytes(), code).await.unwrap() {
                Retry::Error => return Err(text),
                Retry::FirstError => return Err(first.unwrap()),
                Retry::On(next) => ground = next,
            }
            first.get_or_insert(text);
        }
    }

    async fn query(
        &mut self,
        sql: &str,
    ) -> Result<((Vec<String>, u64), Vec<Change>), (SqlState, String)> {
        self.changes();
        let messages = self.client.simple_query(sql).await.map_err(|error| {
            let error = error.as_db_error().unwrap();
            let code = SqlState::parse(error.code().code().as_bytes()).unwrap();
            (code, format!("{code} {}", error.message()))
        })?;
        let mut rows = vec![];
        let mut count = 0;
        for message in messages {
            match message {
                SimpleQueryMessage::Row(row) => {
                    let value = |at| row.get(at).unwrap_or("NULL");
                    rows.push((0..row.len()).map(value).collect::<Vec<_>>().join(","));
                }
                SimpleQueryMessage::CommandComplete(number) => count = number,
                _ => {}
            }
        }
        Ok(((rows, count), self.changes()))
    }

    pub(super) async fn rollback(&mut self) {
        self.block = None;
        self.script("ROLLBACK").await;
    }

    /// True if it has committed.
    pub(super) async fn commit(&mut self) -> bool {
        let mut block = self.block.take().unwrap();
        match block.commit(self).await.unwrap() {
            Commit::Go => self.script("COMMIT").await,
            Commit::Conflict => {
                self.script("ROLLBACK").await;
                return false;
            }
        }
        true
    }
}
