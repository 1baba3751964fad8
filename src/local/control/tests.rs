use hyper::Method;
use serde_json::{Value, json};

use super::*;
use crate::local::faults::Statement;

fn ask(faults: &Faults, method: &str, path: &str, body: &str) -> (u16, Value) {
    let method: Method = method.parse().unwrap();
    let reply = api::answer(faults, &method, path, body.as_bytes());
    (reply.status.as_u16(), reply.body)
}

#[test]
fn faults_are_added_listed_and_cleared() {
    let faults = Faults::default();
    let listed = json!({
        "id": 1, "fault": "oc000 at=commit match=UPDATE times=3", "left": 3, "fired": 0,
    });
    for body in [
        "oc000 at=commit times=3 match=UPDATE",
        r#"{"fault": "oc000", "at": "commit", "times": 3, "match": "UPDATE"}"#,
        r#"[{"fault": "oc000", "times": "3", "match": "UPDATE", "role": null}]"#,
    ] {
        let faults = Faults::default();
        let reply = ask(&faults, "POST", "/faults", body);
        assert_eq!(reply, (200, json!({ "done": [listed] })), "{body}");
    }
    ask(&faults, "POST", "/faults", "oc001; stale-catalog");
    let session = faults.enlist("app", "");
    let statement = Statement {
        text: b"SELECT 1",
        in_block: false,
    };
    session.at_statement(&statement);
    let (status, list) = ask(&faults, "GET", "/faults", "");
    assert_eq!(status, 200);
    assert_eq!(list["faults"][0]["left"], 0);
    assert_eq!(list["faults"][0]["fired"], 1);
    assert_eq!(list["faults"][1]["left"], Value::Null);
    assert_eq!(
        ask(&faults, "DELETE", "/faults/1", "").1["removed"]["id"],
        1
    );
    assert_eq!(ask(&faults, "DELETE", "/faults/1", "").0, 404);
    assert_eq!(ask(&faults, "DELETE", "/faults/x", "").0, 404);
    let empty = (200, json!({ "faults": [] }));
    assert_eq!(ask(&faults, "DELETE", "/faults", ""), empty);
    assert_eq!(ask(&faults, "GET", "/faults", ""), empty);
}

#[test]
fn sessions_and_the_clock() {
    let faults = Faults::default();
    let _app = faults.enlist("app", "psql");
    let _admin = faults.enlist("admin", "");
    let (_, sessions) = ask(&faults, "GET", "/sessions", "");
    assert_eq!(sessions["sessions"][0]["role"], "app");
    assert_eq!(sessions["sessions"][0]["application_name"], "psql");
    let pid = &sessions["sessions"][1]["process_id"];
    for (body, cut) in [
        (String::new(), 2),
        ("role=app".to_owned(), 1),
        (json!({ "session": pid }).to_string(), 1),
        ("{}".to_owned(), 2),
        ("role=nobody".to_owned(), 0),
    ] {
        let reply = ask(&faults, "POST", "/cut", &body);
        assert_eq!(reply, (200, json!({ "done": [{ "cut": cut }] })), "{body}");
    }
    let armed = ask(&faults, "POST", "/cut", "at=commit when=after").1;
    assert_eq!(armed["done"][0]["left"], 1);
    let expired = ask(&faults, "POST", "/faults", "expire").1;
    assert_eq!(expired, json!({ "done": [{ "expired": 2 }] }));
    for (body, seconds) in [("shift=1h", 3600), (r#"{"shift": "-15m"}"#, -900)] {
        let shifted = json!({ "done": [{ "clock_ahead_seconds": seconds }] });
        assert_eq!(ask(&faults, "POST", "/clock", body), (200, shifted));
    }
    assert!(faults.now() < std::time::SystemTime::now());
}

#[test]
fn bad_input_is_explained_and_changes_nothing() {
    let faults = Faults::default();
    for (method, path, body, status, why) in [
        ("POST", "/faults", "", 400, "the body is empty"),
        ("POST", "/faults", "[]", 400, "the body is empty"),
        ("POST", "/faults", "{", 400, "is not JSON"),
        ("POST", "/faults", "[1]", 400, "expected an object"),
        ("POST", "/faults", "{}", 400, "expected a \"fault\""),
        (
            "POST",
            "/faults",
            r#"{"fault": 1}"#,
            400,
            "expected a \"fault\"",
        ),
        ("POST", "/faults", "oc001; oc009", 400, "no fault `oc009`"),
        (
            "POST",
            "/faults",
            r#"{"fault": "oc000", "times": true}"#,
            400,
            "\"times\": expected a string or a number",
        ),
        (
            "POST",
            "/faults",
            r#"{"fault": "oc000", "times": 1.5}"#,
            400,
            "times=1.5",
        ),
        ("POST", "/cut", r#"{"fault": "cut"}"#, 400, "no \"fault\""),
        ("POST", "/cut", "by=1s", 400, "there is no `by=`"),
        ("POST", "/clock", "", 400, "expected a duration"),
        ("PUT", "/faults", "oc001", 405, "takes GET, POST, DELETE"),
        ("GET", "/faults/1", "", 405, "takes DELETE"),
        ("GET", "/cut", "", 405, "takes POST"),
        ("GET", "/", "", 404, "GET, POST, DELETE /faults; "),
    ] {
        let (found, body) = ask(&faults, method, path, body);
        assert_eq!(found, status, "{method} {path}");
        let error = body["error"].as_str().unwrap();
        assert!(error.contains(why), "{method} {path}: {error}");
    }
    assert!(faults.list().is_empty());
    let reply = api::answer(&faults, &Method::POST, "/faults", b"\xff");
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
}
