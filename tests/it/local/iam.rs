//! Who may log in as which role.

use dsql_proxy::local::Cluster;

use super::client::{Access, Client, error, field};
use super::{DENIED, with_cluster};

const OTHER: &str = "arn:aws:iam::555555555555:role/other";

async fn call(client: &mut Client, what: &str, role: &str, arn: &str) -> Option<(String, String)> {
    let to = if what == "GRANT" { "TO" } else { "FROM" };
    let sql = format!("AWS IAM {what} {role} {to} '{arn}'");
    let messages = client.query(&sql).await;
    assert_eq!(field(&messages, 'W'), None, "{messages:?}");
    Some((field(&messages, 'C')?, field(&messages, 'M')?))
}

/// The SQLSTATE and message with which a login is refused.
async fn refused(access: &Access, user: &str) -> Option<(String, String)> {
    let (_, messages) = access.try_login(user, &access.token(user).await, &[]).await;
    Some((field(&messages, 'C')?, field(&messages, 'M')?))
}

#[tokio::test]
async fn a_role_is_open_to_whom_it_was_granted() {
    with_cluster(async |access| {
        let mut admin = access.login("admin").await;
        admin
            .run(&[
                "CREATE ROLE app WITH LOGIN",
                "CREATE ROLE \"Odd 'role\" WITH LOGIN",
                "CREATE ROLE locked",
            ])
            .await;
        let denied = Some(("28000".to_owned(), DENIED.to_owned()));
        assert_eq!(refused(access, "app").await, denied);
        assert_eq!(refused(access, "Odd 'role").await, denied);
        assert_eq!(call(&mut admin, "GRANT", "app", OTHER).await, None);
        assert_eq!(refused(access, "app").await, denied, "granted to another");
        admin.grant_iam("app", Cluster::IAM_ARN).await;
        admin.grant_iam("\"Odd 'role\"", Cluster::IAM_ARN).await;
        let mut app = access.login("app").await;
        access.login("Odd 'role").await;

        let mappings = "SELECT string_agg(concat_ws('|', arn, pg_role_name,
            pg_role_oid = pg_role_name::text::regrole, grantor_pg_role_name,
            grantor_pg_role_oid = 'admin'::regrole, iam_oid > 0), ' ' ORDER BY iam_oid)
            FROM sys.iam_pg_role_mappings WHERE pg_role_name = 'app'";
        let expected = format!(
            "{OTHER}|app|t|admin|t|t {}|app|t|admin|t|t",
            Cluster::IAM_ARN
        );
        assert_eq!(app.value(mappings).await, expected);

        let text = |state: &str, text: String| Some((state.to_owned(), text));
        for (what, role, arn, expected) in [
            (
                "GRANT",
                "no",
                OTHER,
                text("42704", "Role no does not exist".into()),
            ),
            (
                "GRANT",
                "locked",
                OTHER,
                text("0LP01", "role locked must have the LOGIN attribute".into()),
            ),
            (
                "GRANT",
                "app",
                "arn:aws:s3:::bucket",
                text("22023", "IAM role must look like an IAM ARN".into()),
            ),
            (
                "GRANT",
                "admin",
                OTHER,
                text(
                    "42501",
                    "permission denied to grant IAM trust with role admin".into(),
                ),
            ),
            (
                "GRANT",
                "dsql_local",
                OTHER,
                text("42704", "Role dsql_local does not exist".into()),
            ),
            (
                "GRANT",
                "app",
                OTHER,
                text(
                    "42710",
                    format!("IAM role {OTHER} is already granted to role app"),
                ),
            ),
            (
                "REVOKE",
                "app",
                "arn:aws:iam::555555555555:role/no",
                text(
                    "42704",
                    "IAM role arn:aws:iam::555555555555:role/no does not exist".into(),
                ),
            ),
        ] {
            assert_eq!(call(&mut admin, what, role, arn).await, expected);
        }
        assert_eq!(
            call(&mut app, "GRANT", "app", OTHER).await,
            text(
                "42501",
                "permission denied to grant IAM trust with role app".into()
            )
        );

        let messages = admin.query("DROP ROLE app").await;
        assert_eq!(field(&messages, 'C').unwrap(), "2BP01");
        assert_eq!(
            field(&messages, 'M').unwrap(),
            "role \"app\" cannot be dropped because some objects depend on it"
        );
        // A role that lost its LOGIN can still be closed. A session goes on, a new one is not begun.
        assert_eq!(
            call(&mut admin, "REVOKE", "app", Cluster::IAM_ARN).await,
            None
        );
        assert_eq!(app.value("SELECT current_user").await, "app");
        assert_eq!(refused(access, "app").await, denied);
        admin.run(&["ALTER ROLE app NOLOGIN"]).await;
        assert_eq!(call(&mut admin, "REVOKE", "app", OTHER).await, None);
        assert_eq!(error(&admin.query("DROP ROLE app").await), None);
    })
    .await;
}
