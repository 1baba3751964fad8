//! diesel: migrations, queries, transactions. The server's address comes from DATABASE_URL.

use std::error::Error;

use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel_migrations::{FileBasedMigrations, MigrationHarness};

diesel::table! {
    diesel_user {
        id -> Integer,
        email -> Varchar,
        active -> Bool,
    }
}

diesel::table! {
    diesel_post {
        id -> BigInt,
        user_id -> Integer,
        title -> Text,
    }
}

diesel::joinable!(diesel_post -> diesel_user (user_id));
diesel::allow_tables_to_appear_in_same_query!(diesel_post, diesel_user);

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

fn connect() -> Result<PgConnection> {
    Ok(PgConnection::establish(&std::env::var("DATABASE_URL")?)?)
}

fn migrations() -> Result<FileBasedMigrations> {
    Ok(FileBasedMigrations::from_path(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/migrations"
    ))?)
}

fn clean() -> Result<()> {
    let connection = &mut connect()?;
    for table in ["diesel_post", "diesel_user", "__diesel_schema_migrations"] {
        diesel::sql_query(format!("DROP TABLE IF EXISTS {table}")).execute(connection)?;
    }
    Ok(())
}

fn run() -> Result<()> {
    let connection = &mut connect()?;
    let applied = connection.run_pending_migrations(migrations()?)?;
    assert_eq!(applied.len(), 2);
    let active: Vec<bool> = diesel_user::table
        .select(diesel_user::active)
        .load(connection)?;
    assert_eq!(active, [true, true]);
    Ok(())
}

fn run_again() -> Result<()> {
    let connection = &mut connect()?;
    assert!(!connection.has_pending_migration(migrations()?)?);
    assert!(connection.run_pending_migrations(migrations()?)?.is_empty());
    Ok(())
}

fn queries() -> Result<()> {
    let connection = &mut connect()?;
    let id: i32 = diesel::insert_into(diesel_user::table)
        .values(diesel_user::email.eq("new@example.org"))
        .returning(diesel_user::id)
        .get_result(connection)?;
    for title in ["one", "two"] {
        diesel::insert_into(diesel_post::table)
            .values((diesel_post::user_id.eq(id), diesel_post::title.eq(title)))
            .execute(connection)?;
    }
    let found: Vec<(String, String)> = diesel_post::table
        .inner_join(diesel_user::table)
        .select((diesel_user::email, diesel_post::title))
        .order(diesel_post::title)
        .load(connection)?;
    assert_eq!(found.len(), 2);
    let changed = diesel::update(diesel_post::table.filter(diesel_post::user_id.eq(id)))
        .set(diesel_post::title.eq("same"))
        .execute(connection)?;
    assert_eq!(changed, 2);
    let error = diesel::insert_into(diesel_user::table)
        .values(diesel_user::email.eq("new@example.org"))
        .execute(connection);
    assert!(
        matches!(
            error,
            Err(DieselError::DatabaseError(
                DatabaseErrorKind::UniqueViolation,
                _
            ))
        ),
        "{error:?}"
    );
    Ok(())
}

fn transactions() -> Result<()> {
    let connection = &mut connect()?;
    let before: i64 = diesel_post::table.count().get_result(connection)?;
    let undone = connection.transaction(|connection| {
        diesel::delete(diesel_post::table).execute(connection)?;
        Err::<(), _>(DieselError::RollbackTransaction)
    });
    assert_eq!(undone, Err(DieselError::RollbackTransaction));
    assert_eq!(
        diesel_post::table.count().get_result::<i64>(connection)?,
        before
    );
    let seen = connection
        .build_transaction()
        .repeatable_read()
        .run(|connection| diesel_post::table.count().get_result::<i64>(connection))?;
    assert_eq!(seen, before);
    connection.transaction(|connection| diesel::delete(diesel_post::table).execute(connection))?;
    assert_eq!(diesel_post::table.count().get_result::<i64>(connection)?, 0);
    Ok(())
}

fn revert() -> Result<()> {
    let connection = &mut connect()?;
    assert_eq!(connection.revert_all_migrations(migrations()?)?.len(), 2);
    Ok(())
}

/// Runs a check; a failed assertion is a failure like any other.
fn check(name: &str, body: fn() -> Result<()>) -> bool {
    let why = match std::panic::catch_unwind(body) {
        Ok(Ok(())) => {
            println!("ok - diesel: {name}");
            return true;
        }
        Ok(Err(why)) => why.to_string(),
        Err(_) => "an assertion failed; it is above".to_owned(),
    };
    println!("not ok - diesel: {name}\n    {why}");
    false
}

fn main() -> std::process::ExitCode {
    let mut passed = check("there is room", clean);
    passed &= check("migrations, each in a transaction", run);
    passed &= check("migrations with nothing to do", run_again);
    passed &= check("queries, and an error", queries);
    passed &= check("transactions", transactions);
    passed &= check("migrations are reverted", revert);
    passed &= check("it cleans up", clean);
    std::process::ExitCode::from(u8::from(!passed))
}
