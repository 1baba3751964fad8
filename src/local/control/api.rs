//! What a request is answered.

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::super::faults::{Faults, Listed, Obeyed, SessionInfo};
use super::body;

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) body: Value,
    /// The methods that the path takes, where it takes not this one.
    pub(super) allow: Option<&'static str>,
}

impl Reply {
    fn ok(body: Value) -> Self {
        Self {
            status: StatusCode::OK,
            body,
            allow: None,
        }
    }

    pub(super) fn error(status: StatusCode, text: impl Into<String>) -> Self {
        Self {
            status,
            body: json!({ "error": text.into() }),
            allow: None,
        }
    }
}

/// The paths and their methods.
const PATHS: &[(&str, &str)] = &[
    ("/faults", "GET, POST, DELETE"),
    ("/faults/ID", "DELETE"),
    ("/cut", "POST"),
    ("/clock", "POST"),
    ("/sessions", "GET"),
];

/// Does what a request asks for.
pub(super) fn answer(faults: &Faults, method: &Method, path: &str, body: &[u8]) -> Reply {
    let id = path.strip_prefix("/faults/");
    match (method.as_str(), path) {
        ("GET", "/faults") => Reply::ok(list(faults)),
        ("POST", "/faults") => obey(faults, None, body),
        ("DELETE", "/faults") => {
            faults.clear();
            Reply::ok(list(faults))
        }
        ("POST", "/cut") => obey(faults, Some("cut"), body),
        ("POST", "/clock") => obey(faults, Some("clock"), body),
        ("GET", "/sessions") => {
            let sessions: Vec<_> = faults.sessions().iter().map(session).collect();
            Reply::ok(json!({ "sessions": sessions }))
        }
        ("DELETE", _) if id.is_some() => remove(faults, id.unwrap_or_default()),
        _ => nothing(method, path, id.is_some()),
    }
}

fn list(faults: &Faults) -> Value {
    let list: Vec<_> = faults.list().iter().map(listed).collect();
    json!({ "faults": list })
}

fn listed(fault: &Listed) -> Value {
    json!({
        "id": fault.id,
        "fault": fault.fault,
        "left": fault.left,
        "fired": fault.fired,
    })
}

fn session(session: &SessionInfo) -> Value {
    json!({
        "process_id": session.process_id,
        "role": session.role,
        "application_name": session.application_name,
        "since": humantime::format_rfc3339_millis(session.since).to_string(),
    })
}

/// All of the orders, or none if one cannot be read.
fn obey(faults: &Faults, kind: Option<&str>, body: &[u8]) -> Reply {
    let orders = match body::orders(kind, body) {
        Ok(orders) => orders,
        Err(why) => return Reply::error(StatusCode::BAD_REQUEST, why),
    };
    let mut done = vec![];
    for order in orders {
        match faults.obey(order) {
            Ok(Obeyed::Armed(fault)) => done.push(listed(&fault)),
            Ok(Obeyed::Cut(sessions)) => done.push(json!({ "cut": sessions })),
            Ok(Obeyed::Expired(sessions)) => done.push(json!({ "expired": sessions })),
            Ok(Obeyed::Shifted(seconds)) => done.push(json!({ "clock_ahead_seconds": seconds })),
            Err(error) => return Reply::error(StatusCode::CONFLICT, error.to_string()),
        }
    }
    Reply::ok(json!({ "done": done }))
}

fn remove(faults: &Faults, id: &str) -> Reply {
    let removed = id.parse().ok().and_then(|id| faults.remove(id));
    if let Some(fault) = removed {
        Reply::ok(json!({ "removed": listed(&fault) }))
    } else {
        let text = format!("there is no fault {id}; GET /faults lists them");
        Reply::error(StatusCode::NOT_FOUND, text)
    }
}

/// The path is none of ours, or takes other methods.
fn nothing(method: &Method, path: &str, is_fault: bool) -> Reply {
    let known = if is_fault { "/faults/ID" } else { path };
    if let Some((_, methods)) = PATHS.iter().find(|(path, _)| *path == known) {
        let text = format!("{path} takes {methods}, not {method}");
        return Reply {
            allow: Some(methods),
            ..Reply::error(StatusCode::METHOD_NOT_ALLOWED, text)
        };
    }
    let paths: Vec<_> = PATHS
        .iter()
        .map(|(path, methods)| format!("{methods} {path}"))
        .collect();
    let text = format!("there is no {path}; there are: {}", paths.join("; "));
    Reply::error(StatusCode::NOT_FOUND, text)
}
