//! What we add to a refusal: why it happened, and the way out.

use super::ddl;
use super::parameters as known;
use crate::dsql::parameters;
use crate::dsql::statements::{DDL_AND_DML, ISOLATION_LEVEL, MULTIPLE_DDL};

/// The HINT for an error that DSQL itself sent, or `None` where there is nothing to add.
/// `sqlstate` and `message` are the fields C and M of its `ErrorResponse`.
pub fn hint_for(sqlstate: &str, message: &str) -> Option<String> {
    if sqlstate != parameters::SQLSTATE {
        return None;
    }
    let rules = [MULTIPLE_DDL, DDL_AND_DML];
    if rules.iter().any(|rule| message.starts_with(rule.text)) {
        return Some(DDL_IN_TRANSACTION.to_owned());
    }
    if let Some(level) = ISOLATION_LEVEL
        .text
        .strip_suffix("{}")
        .and_then(|prefix| message.strip_prefix(prefix))
    {
        return Some(for_begin(level));
    }
    let Some(parameter) = message.strip_prefix(parameters::NOT_SUPPORTED_PREFIX) else {
        return ddl::hint_for_other(sqlstate, message);
    };
    let (name, _) = parameter.split_once('"')?;
    Some(
        format!("{} {}", why(name), way_out(&[name]))
            .trim_end()
            .to_owned(),
    )
}

/// What to do about DDL that is not alone in its transaction.
const DDL_IN_TRANSACTION: &str = "Aurora DSQL takes one DDL statement in a transaction, and nothing else with it. Start \
     dsql-proxy with --ddl-transactions=autocommit to have each run alone, with what stands \
     between BEGIN and COMMIT committed bit by bit; or commit between the statements.";

/// The HINT for a refusal of our own: also how to have the server asked instead. `settable` are
/// the parameters whose setting would change it.
pub(super) fn for_refusal(name: &str, settable: &[&str]) -> String {
    let way_out = way_out(settable);
    format!(
        "{} {way_out}{}dsql-proxy refused this before it reached the server. If your server does \
         accept it, start dsql-proxy with --unsupported-parameters=forward.",
        why(name),
        if way_out.is_empty() { "" } else { " " },
    )
}

/// The HINT for what cannot be made true.
pub(super) fn for_serializable(parameter: &str) -> String {
    format!(
        "Aurora DSQL has no SERIALIZABLE, and dsql-proxy cannot add it. Use REPEATABLE READ, with \
         SELECT … FOR UPDATE on what a decision depends on; or start dsql-proxy with --parameter \
         {parameter}=ignore to run at REPEATABLE READ all the same."
    )
}

/// The HINT for `standard_conforming_strings = off`, which would change what statements mean.
pub(super) const STRINGS: &str = "Aurora DSQL reads every string constant with \
     standard_conforming_strings on, and nothing can change that. Write E'…' where a backslash \
     shall escape.";

/// The HINT for a parameter that takes a superuser.
pub(super) fn for_superuser(name: &str) -> String {
    format!(
        "Aurora DSQL has no superusers. Start dsql-proxy with --parameter {name}=ignore to have it \
         answered but not applied."
    )
}

fn for_begin(level: &str) -> String {
    let advice = "Aurora DSQL runs every transaction at REPEATABLE READ. Leave the level out, or";
    let parameter = known::ISOLATION;
    if level.eq_ignore_ascii_case("serializable") {
        format!(
            "{advice} start dsql-proxy with --parameter {parameter}=ignore, which runs at \
             REPEATABLE READ without saying so."
        )
    } else {
        format!(
            "{advice} start dsql-proxy with --parameter {parameter}=emulate: REPEATABLE READ gives \
             more than this level asks for."
        )
    }
}

/// Advice for a parameter: where there is something better than to leave it out.
const ADVICE: &[(&[&str], &str)] = &[
    (
        &[
            parameters::TRANSACTION,
            known::ISOLATION,
            known::DEFAULT_ISOLATION,
        ],
        "Aurora DSQL runs every transaction at REPEATABLE READ and takes no other setting. \
         Leave the statement out, or begin with BEGIN ISOLATION LEVEL REPEATABLE READ.",
    ),
    (
        &[known::READ_ONLY, known::DEFAULT_READ_ONLY],
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

fn why(name: &str) -> &'static str {
    let advice = ADVICE
        .iter()
        .find(|(names, _)| names.iter().any(|known| known.eq_ignore_ascii_case(name)));
    match advice {
        Some((_, advice)) => advice,
        None => {
            "Aurora DSQL lets a session set only a few parameters, and this is not one of them. \
             Remove it from what your client sends when it connects, or from your SQL: most \
             clients have an option for it."
        }
    }
}

/// How the proxy can be told to do something about these parameters; empty where it cannot.
fn way_out(names: &[&str]) -> String {
    if let [parameters::TRANSACTION] = names {
        return "Or start dsql-proxy with --unsupported-parameters=emulate.".to_owned();
    }
    let names: Vec<String> = names
        .iter()
        .map(|name| name.to_ascii_lowercase())
        .filter(|name| known::is_custom(name) || known::context(name).is_some())
        .filter(|name| name != parameters::ROLE && name != "session_authorization")
        .collect();
    let flags = |action: &str| {
        let flags: Vec<String> = names
            .iter()
            .map(|name| format!("--parameter {name}={action}"))
            .collect();
        flags.join(" ")
    };
    if names.is_empty() {
        String::new()
    } else if names.iter().all(|name| known::is_emulated(name)) {
        format!(
            "Or start dsql-proxy with {} to have the proxy do what it asks for, or with =ignore to \
             have it answered but not applied.",
            flags("emulate")
        )
    } else {
        format!(
            "Or start dsql-proxy with {} to have it answered but not applied.",
            flags("ignore")
        )
    }
}
