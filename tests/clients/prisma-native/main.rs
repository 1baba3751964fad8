//! Sends what Prisma's native schema engine sends for `prisma migrate deploy`, in its shape: queries
//! with results as named statements, prepared, bound in binary, and closed without waiting (so that
//! the next request follows in the same segment, and two ReadyForQuery are owed); a migration file
//! as one simple Query; and a lock that nothing but the end of the connection releases.
//!
//! That engine is made with tokio-postgres, too, but is in no registry.

use std::error::Error;
use std::future::Future;
use std::time::{Duration, SystemTime};

use tokio::task::JoinHandle;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, NoTls, Row};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const SCHEMA: &str = "prisma_native";
const LOCK: &str = "SELECT pg_advisory_lock(72707369)";
const MIGRATIONS: [(&str, &str); 2] = [
    (
        "20260101000000_first",
        include_str!("../prisma-migrate/migrations/20260101000000_first/migration.sql"),
    ),
    (
        "20260201000000_second",
        include_str!("../prisma-migrate/migrations/20260201000000_second/migration.sql"),
    ),
];
/// How long the engine waits for its lock.
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection of the engine's.
struct Engine {
    client: Client,
    connection: JoinHandle<()>,
}

impl Engine {
    async fn connect() -> Result<Self> {
        let mut config = Config::new();
        config
            .host(std::env::var("PGHOST")?)
            .port(std::env::var("PGPORT")?.parse()?);
        config
            .user(std::env::var("PGUSER")?)
            .dbname(std::env::var("PGDATABASE")?);
        let (client, connection) = config.connect(NoTls).await?;
        // A broken connection shows in the next request.
        let connection = tokio::spawn(async { drop(connection.await) });
        let engine = Self { client, connection };
        engine
            .command(&format!("SET search_path = \"{SCHEMA}\";\n"))
            .await?;
        engine.query("SELECT version()", &[]).await?;
        let found = engine
            .query(
                "SELECT EXISTS(SELECT 1 FROM pg_namespace WHERE nspname = $1), version(), \
                 current_setting('server_version_num')::integer as numeric_version;",
                &[&SCHEMA],
            )
            .await?;
        if !found[0].try_get::<_, bool>(0)? {
            engine
                .command(&format!("CREATE SCHEMA \"{SCHEMA}\""))
                .await?;
        }
        Ok(engine)
    }

    /// One simple Query.
    async fn command(&self, text: &str) -> Result<()> {
        Ok(self.client.batch_execute(text).await?)
    }

    /// Parse and Describe, then Bind and Execute, then Close: three Syncs, the last not awaited.
    async fn query(&self, text: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>> {
        let statement = self.client.prepare(text).await?;
        Ok(self.client.query(&statement, parameters).await?)
    }

    async fn tables(&self) -> Result<Vec<String>> {
        let rows = self
            .query(
                "SELECT tbl.relname AS table_name, namespace.nspname AS namespace \
                 FROM pg_class AS tbl INNER JOIN pg_namespace AS namespace ON namespace.oid = tbl.relnamespace \
                 WHERE tbl.relkind = 'r' AND namespace.nspname = ANY ( $1 ) ORDER BY namespace, table_name;",
                &[&vec![SCHEMA]],
            )
            .await?;
        Ok(rows
            .iter()
            .map(|row| row.try_get("table_name"))
            .collect::<std::result::Result<_, _>>()?)
    }

    /// The names of the migrations that are recorded, and whether each has finished.
    async fn recorded(&self) -> Result<Vec<(String, bool)>> {
        let rows = self
            .query(
                "SELECT \"id\", \"checksum\", \"finished_at\", \"migration_name\", \"logs\", \"rolled_back_at\", \
                 \"started_at\", \"applied_steps_count\" FROM \"_prisma_migrations\" ORDER BY \"started_at\" ASC",
                &[],
            )
            .await?;
        let mut recorded = Vec::new();
        for row in rows {
            let _started: SystemTime = row.try_get("started_at")?;
            let finished: Option<SystemTime> = row.try_get("finished_at")?;
            recorded.push((row.try_get("migration_name")?, finished.is_some()));
        }
        Ok(recorded)
    }

    /// `prisma migrate deploy`; the names of what it has applied.
    async fn deploy(&self, migrations: &[(&str, &str)]) -> Result<Vec<String>> {
        tokio::time::timeout(LOCK_TIMEOUT, self.command(LOCK))
            .await
            .map_err(|_| "P1002: no lock within 10 s")??;
        if !self
            .tables()
            .await?
            .iter()
            .any(|table| table == "_prisma_migrations")
        {
            self.command(
                "CREATE TABLE _prisma_migrations (
    id                      VARCHAR(36) PRIMARY KEY NOT NULL,
    checksum                VARCHAR(64) NOT NULL,
    finished_at             TIMESTAMPTZ,
    migration_name          VARCHAR(255) NOT NULL,
    logs                    TEXT,
    rolled_back_at          TIMESTAMPTZ,
    started_at              TIMESTAMPTZ NOT NULL DEFAULT now(),
    applied_steps_count     INTEGER NOT NULL DEFAULT 0
);",
            )
            .await?;
        }
        let recorded = self.recorded().await?;
        let mut applied = Vec::new();
        for (name, script) in migrations {
            if recorded.iter().any(|(known, _)| known == name) {
                continue;
            }
            self.apply(name, script).await?;
            applied.push((*name).to_owned());
        }
        Ok(applied)
    }

    async fn apply(&self, name: &str, script: &str) -> Result<()> {
        let id = format!("{name:-<36}");
        self.query(
            "INSERT INTO \"_prisma_migrations\" (\"id\",\"checksum\",\"started_at\",\"migration_name\") VALUES ($1,$2,$3,$4)",
            &[&id, &"0".repeat(64), &SystemTime::now(), &name],
        )
        .await?;
        if let Err(error) = self.command(script).await {
            self.query(
                "UPDATE \"_prisma_migrations\" SET \"logs\" = $1 WHERE \"id\" = $2",
                &[&error.to_string(), &id],
            )
            .await?;
            return Err(error);
        }
        self.query(
            "UPDATE \"_prisma_migrations\" SET \"applied_steps_count\" = (\"applied_steps_count\" + $1) WHERE \"id\" = $2",
            &[&1_i32, &id],
        )
        .await?;
        self.query(
            "UPDATE \"_prisma_migrations\" SET \"finished_at\" = $1 WHERE \"id\" = $2",
            &[&SystemTime::now(), &id],
        )
        .await?;
        Ok(())
    }

    /// Terminate, and the connection's end: only that releases the lock.
    async fn close(self) -> Result<()> {
        drop(self.client);
        Ok(self.connection.await?)
    }
}

/// Removes what the checks have made; not all of it need be there.
async fn clean() -> Result<()> {
    let engine = Engine::connect().await?;
    for table in ["Post", "User", "_prisma_migrations"] {
        engine
            .command(&format!("DROP TABLE IF EXISTS \"{table}\""))
            .await?;
    }
    engine.close().await
}

async fn first_deploy() -> Result<()> {
    let engine = Engine::connect().await?;
    let applied = engine.deploy(&MIGRATIONS).await?;
    assert_eq!(applied, ["20260101000000_first", "20260201000000_second"]);
    let recorded = engine.recorded().await?;
    assert!(
        recorded.iter().all(|(_, finished)| *finished),
        "{recorded:?}"
    );
    assert_eq!(
        engine.tables().await?,
        ["Post", "User", "_prisma_migrations"]
    );
    engine.close().await
}

async fn next_deploy() -> Result<()> {
    let engine = Engine::connect().await?;
    assert_eq!(engine.deploy(&MIGRATIONS).await?, [""; 0]);
    engine.close().await
}

async fn two_deploys() -> Result<()> {
    clean().await?;
    let one = async {
        let engine = Engine::connect().await?;
        let applied = engine.deploy(&MIGRATIONS).await?;
        engine.close().await?;
        Ok::<_, Box<dyn Error>>(applied.len())
    };
    let other = async {
        let engine = Engine::connect().await?;
        let applied = engine.deploy(&MIGRATIONS).await?;
        engine.close().await?;
        Ok::<_, Box<dyn Error>>(applied.len())
    };
    let (one, other) = tokio::try_join!(one, other)?;
    // Whoever came second has waited, and found nothing to do.
    assert_eq!([one.min(other), one.max(other)], [0, 2]);
    Ok(())
}

async fn positions() -> Result<()> {
    let script = "-- a comment: naïve; 東京\nCREATE TABLE \"Kept\" (id BIGINT PRIMARY KEY);\nDROP TABLE \"Kept\";\nSELECT no_such_column FROM pg_class;\n";
    let engine = Engine::connect().await?;
    let error = match engine.deploy(&[("29990101000000_broken", script)]).await {
        Ok(_) => return Err("the script should have failed".into()),
        Err(error) => error,
    };
    let error = error.downcast::<tokio_postgres::Error>()?;
    let error = error.as_db_error().ok_or("not an error of the server")?;
    assert_eq!(error.code().code(), "42703", "{error:?}");
    let place = script
        .split("no_such_column")
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        + 1;
    let place = u32::try_from(place)?;
    assert_eq!(
        error.position(),
        Some(&tokio_postgres::error::ErrorPosition::Original(place)),
        "{error:?}"
    );
    assert_eq!(
        engine.recorded().await?.last(),
        Some(&("29990101000000_broken".to_owned(), false))
    );
    engine.close().await
}

async fn gone_waiter() -> Result<()> {
    let holder = Engine::connect().await?;
    holder.command(LOCK).await?;
    // As the engine does after ten seconds: no CancelRequest, the process just ends.
    let waiter = Engine::connect().await?;
    let waited = tokio::time::timeout(Duration::from_secs(1), waiter.command(LOCK)).await;
    assert!(waited.is_err(), "two sessions have the lock");
    waiter.connection.abort();
    holder.close().await?;
    let next = Engine::connect().await?;
    tokio::time::timeout(LOCK_TIMEOUT, next.command(LOCK))
        .await
        .map_err(|_| "the lock is still held")??;
    // `migrate dev` takes it twice.
    next.command(LOCK).await?;
    next.close().await
}

/// Runs a check in a task of its own, so that a failed assertion is a failure like any other.
async fn check<F>(name: &str, body: F) -> bool
where
    F: Future<Output = Result<()>> + 'static,
{
    let task = tokio::task::spawn_local(async {
        body.await.map_err(|error| format!("{error}: {error:?}"))
    });
    let why = match task.await {
        Ok(Ok(())) => {
            println!("ok - prisma-native: {name}");
            return true;
        }
        Ok(Err(why)) => why,
        Err(panic) => panic.to_string(),
    };
    println!("not ok - prisma-native: {name}\n    {why}");
    false
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::process::ExitCode {
    let passed = tokio::task::LocalSet::new()
        .run_until(async {
            let mut passed = check("there is room", clean()).await;
            passed &= check("migrate deploy", first_deploy()).await;
            passed &= check("migrate deploy with nothing to do", next_deploy()).await;
            passed &= check("two deploys at once", two_deploys()).await;
            passed &= check("an error's position is that in the file", positions()).await;
            passed &= check(
                "a waiter for the lock that goes away is forgotten",
                gone_waiter(),
            )
            .await;
            passed & check("it cleans up", clean()).await
        })
        .await;
    std::process::ExitCode::from(u8::from(!passed))
}
