//! What we add to a refusal: why it happened, and the way out.

use crate::dsql::{parameters, statements};

/// The HINT for an error that DSQL itself sent, or `None` where there is nothing to add.
/// `sqlstate` and `message` are the fields C and M of its `ErrorResponse`.
pub fn hint_for(sqlstate: &str, message: &str) -> Option<String> {
    if sqlstate != parameters::SQLSTATE {
        return None;
    }
    let rules = [statements::MULTIPLE_DDL, statements::DDL_AND_DML];
    if rules.iter().any(|rule| message.starts_with(rule.text)) {
        return Some(DDL_IN_TRANSACTION.to_owned());
    }
    let (name, _) = message
        .strip_prefix(parameters::NOT_SUPPORTED_PREFIX)?
        .split_once('"')?;
    Some(why_and_what(name))
}

/// What to do about DDL that is not alone in its transaction.
const DDL_IN_TRANSACTION: &str = "Aurora DSQL takes one DDL statement in a transaction, and nothing else with it. Start \
     dsql-proxy with --ddl-transactions=autocommit to have each run alone, with what stands \
     between BEGIN and COMMIT committed bit by bit; or commit between the statements.";

/// The HINT for a refusal of our own: also how to have the server asked instead.
pub(super) fn for_refusal(name: &str) -> String {
    format!(
        "{} dsql-proxy refused this before it reached the server. If your server does accept it, \
         start dsql-proxy with --unsupported-parameters=forward.",
        why_and_what(name)
    )
}

/// Advice for a parameter: where there is something better than to leave it out.
const ADVICE: &[(&[&str], &str)] = &[
    (
        &[
            parameters::TRANSACTION,
            "transaction_isolation",
            "default_transaction_isolation",
        ],
        "Aurora DSQL runs every transaction at REPEATABLE READ and takes no other setting. \
         Leave the statement out, or begin with BEGIN ISOLATION LEVEL REPEATABLE READ.",
    ),
    (
        &["transaction_read_only", "default_transaction_read_only"],
        "Aurora DSQL does not let a session set this. Begin the transaction with BEGIN READ ONLY \
         instead.",
    ),
    (
        &[parameters::ROLE, "session_authorization"],
        "Aurora DSQL does not let a session change its role this way. Connect as the role that \
         you need instead.",
    ),
    (
        &[
            "statement_timeout",
            "lock_timeout",
            "transaction_timeout",
            "idle_in_transaction_session_timeout",
            "idle_session_timeout",
        ],
        "Aurora DSQL has no timeouts of this kind; it ends a transaction after 5 minutes. Remove \
         the setting from your client's configuration, or set a timeout in the client itself.",
    ),
];

fn why_and_what(name: &str) -> String {
    let advice = ADVICE
        .iter()
        .find(|(names, _)| names.iter().any(|known| known.eq_ignore_ascii_case(name)));
    match advice {
        Some((_, advice)) => (*advice).to_owned(),
        None => "Aurora DSQL lets a session set only a few parameters, and this is not one of \
                 them. Remove it from what your client sends when it connects, or from your SQL: \
                 most clients have an option for it."
            .to_owned(),
    }
}
