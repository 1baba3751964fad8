//! sqlx: migrations from files, a pool, transactions. The server's address comes from DATABASE_URL.

use std::error::Error;
use std::future::Future;
use std::path::Path;

use sqlx::migrate::Migrator;
use sqlx::postgres::{PgPool, PgPoolOptions};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

async fn connect() -> Result<PgPool> {
    Ok(PgPoolOptions::new()
        .max_connections(4)
        .connect(&std::env::var("DATABASE_URL")?)
        .await?)
}

async fn migrator() -> Result<Migrator> {
    Ok(Migrator::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations")).await?)
}

async fn clean() -> Result<()> {
    let pool = connect().await?;
    for table in ["sqlx_post", "sqlx_user", "_sqlx_migrations"] {
        sqlx::query(&format!("DROP TABLE IF EXISTS {table}"))
            .execute(&pool)
            .await?;
    }
    Ok(())
}

async fn recorded(pool: &PgPool) -> Result<Vec<(i64, bool)>> {
    Ok(
        sqlx::query_as("SELECT version, success FROM _sqlx_migrations ORDER BY version")
            .fetch_all(pool)
            .await?,
    )
}

async fn run() -> Result<()> {
    let pool = connect().await?;
    migrator().await?.run(&pool).await?;
    assert_eq!(recorded(&pool).await?, [(1, true), (2, true), (3, true)]);
    let users: Vec<(i64, bool)> = sqlx::query_as("SELECT id, active FROM sqlx_user")
        .fetch_all(&pool)
        .await?;
    assert_eq!(users.len(), 2);
    assert!(users.iter().all(|(_, active)| *active), "{users:?}");
    Ok(())
}

async fn run_again() -> Result<()> {
    let pool = connect().await?;
    migrator().await?.run(&pool).await?;
    assert_eq!(recorded(&pool).await?.len(), 3);
    Ok(())
}

async fn pool_and_transactions() -> Result<()> {
    let pool = connect().await?;
    let (id,): (i64,) = sqlx::query_as("INSERT INTO sqlx_user (email) VALUES ($1) RETURNING id")
        .bind("new@example.org")
        .fetch_one(&pool)
        .await?;
    let mut transaction = pool.begin().await?;
    for title in ["one", "two"] {
        sqlx::query("INSERT INTO sqlx_post (user_id, title) VALUES ($1, $2)")
            .bind(id)
            .bind(title)
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await?;
    let mut transaction = pool.begin().await?;
    sqlx::query("DELETE FROM sqlx_post")
        .execute(&mut *transaction)
        .await?;
    // Its ROLLBACK is not awaited: the next statement of the connection follows at once.
    drop(transaction);
    for _ in 0..8 {
        let (count,): (i64,) = sqlx::query_as("SELECT count(*) FROM sqlx_post WHERE user_id = $1")
            .bind(id)
            .fetch_one(&pool)
            .await?;
        assert_eq!(count, 2);
    }
    let Err(sqlx::Error::Database(error)) =
        sqlx::query("INSERT INTO sqlx_user (email) VALUES ('new@example.org')")
            .execute(&pool)
            .await
    else {
        return Err("the duplicate was taken".into());
    };
    assert!(error.is_unique_violation(), "{error:?}");
    Ok(())
}

async fn undo() -> Result<()> {
    let pool = connect().await?;
    let migrator = migrator().await?;
    migrator.undo(&pool, 1).await?;
    assert_eq!(recorded(&pool).await?, [(1, true)]);
    migrator.run(&pool).await?;
    migrator.undo(&pool, 0).await?;
    assert_eq!(recorded(&pool).await?, []);
    Ok(())
}

async fn two_at_once() -> Result<()> {
    clean().await?;
    let (one, other) = (connect().await?, connect().await?);
    let (first, second) = (migrator().await?, migrator().await?);
    tokio::try_join!(first.run(&one), second.run(&other))?;
    assert_eq!(recorded(&one).await?.len(), 3);
    Ok(())
}

/// Runs a check in a task of its own, so that a failed assertion is a failure like any other.
async fn check<F>(name: &str, body: F) -> bool
where
    F: Future<Output = Result<()>> + 'static,
{
    let task = tokio::task::spawn_local(async { body.await.map_err(|error| error.to_string()) });
    let why = match task.await {
        Ok(Ok(())) => {
            println!("ok - sqlx: {name}");
            return true;
        }
        Ok(Err(why)) => why,
        Err(panic) => panic.to_string(),
    };
    println!("not ok - sqlx: {name}\n    {why}");
    false
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::process::ExitCode {
    let passed = tokio::task::LocalSet::new()
        .run_until(async {
            let mut passed = check("there is room", clean()).await;
            passed &= check("migrations, in transactions and without", run()).await;
            passed &= check("migrations with nothing to do", run_again()).await;
            passed &= check("the pool, transactions, an error", pool_and_transactions()).await;
            passed &= check("migrations are undone", undo()).await;
            passed &= check("two migrate at once", two_at_once()).await;
            passed & check("it cleans up", clean()).await
        })
        .await;
    std::process::ExitCode::from(u8::from(!passed))
}
