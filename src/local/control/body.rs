//! Orders out of the body of a request: JSON, or the words of `--fault`.

use serde_json::{Map, Value};

use super::super::faults::{Order, Words};

/// Reads a body. `kind` is that of the order where the path has said it.
///
/// What begins with `{` or `[` is JSON: an object of words, or a list of such. The type that the
/// request claims does not count, because `curl -d` claims a form.
pub(super) fn orders(kind: Option<&str>, body: &[u8]) -> Result<Vec<Order>, String> {
    let text = std::str::from_utf8(body).map_err(|_| "the body is not UTF-8".to_owned())?;
    let text = text.trim();
    let orders = if text.starts_with(['{', '[']) {
        json(kind, text)?
    } else {
        match kind {
            Some(kind) => Order::parse(&format!("{kind} {text}"))?,
            None => Order::parse(text)?,
        }
    };
    if orders.is_empty() {
        return Err(
            "the body is empty: expected a fault, such as `oc000 at=commit times=3`".to_owned(),
        );
    }
    Ok(orders)
}

fn json(kind: Option<&str>, text: &str) -> Result<Vec<Order>, String> {
    let value: Value =
        serde_json::from_str(text).map_err(|error| format!("the body is not JSON: {error}"))?;
    match value {
        Value::Array(list) => list.into_iter().map(|value| order(kind, value)).collect(),
        value => order(kind, value).map(|order| vec![order]),
    }
}

fn order(kind: Option<&str>, value: Value) -> Result<Order, String> {
    let Value::Object(mut members) = value else {
        return Err("expected an object, such as {\"fault\": \"oc000\", \"times\": 3}".to_owned());
    };
    let kind = match (kind, members.remove("fault")) {
        (Some(kind), None) => kind.to_owned(),
        (None, Some(Value::String(kind))) => kind,
        (Some(kind), Some(_)) => {
            return Err(format!("there is no \"fault\" in the body of a {kind}"));
        }
        (None, _) => return Err("expected a \"fault\", such as \"oc000\"".to_owned()),
    };
    Order::read(Words {
        kind,
        pairs: pairs(members)?,
    })
}

fn pairs(members: Map<String, Value>) -> Result<Vec<(String, String)>, String> {
    let text = |(key, value): (String, Value)| match value {
        Value::Null => None,
        Value::String(text) => Some(Ok((key, text))),
        Value::Number(number) => Some(Ok((key, number.to_string()))),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
            Some(Err(format!("\"{key}\": expected a string or a number")))
        }
    };
    members.into_iter().filter_map(text).collect()
}
