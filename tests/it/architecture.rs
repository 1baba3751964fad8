//! The house stays in order: who may use whom, how long a file may get, what a room says of
//! itself.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Rooms and the floor each is on. A room may use rooms of lower floors only. `ARCHITECTURE.md`
/// explains them.
const FLOORS: &[(&str, u8)] = &[
    ("wire", 0),
    ("sql", 0),
    ("dsql", 0),
    ("net", 1),
    ("config", 1),
    ("observe", 1),
    ("iam", 2),
    ("compat", 2),
    ("lint", 2),
    ("adapt", 3),
    ("session", 3),
    ("upstream", 3),
    ("pool", 4),
    ("local", 4),
    ("proxy", 5),
    ("conformance", 5),
    ("platform", 6),
    ("cli", 7),
];

/// What a room must not use although it is on a lower floor, and why.
const CLOSED_DOORS: &[(&str, &str, &str)] = &[
    (
        "local",
        "compat",
        "a table of rules shared with the proxy would make tests circular",
    ),
    (
        "local",
        "lint",
        "a table of rules shared with the linter would make tests circular",
    ),
    ("iam", "wire", "credentials know nothing of the protocol"),
    ("iam", "sql", "credentials know nothing of SQL"),
    ("net", "sql", "sockets know nothing of SQL"),
    ("observe", "wire", "observing must not decide anything"),
    ("session", "net", "the state machine does no I/O"),
    ("adapt", "net", "errands do no I/O"),
    ("adapt", "iam", "errands need no credentials"),
    ("upstream", "sql", "a connection knows nothing of SQL"),
    ("upstream", "compat", "a connection has no policy"),
    (
        "conformance",
        "local",
        "who is judged must not lend the judge its tables",
    ),
    (
        "conformance",
        "compat",
        "it judges what the proxy makes of DSQL, too",
    ),
    ("compat", "net", "plans need no sockets"),
    ("compat", "iam", "plans need no credentials"),
];

/// Crates that rooms must not use: those without I/O stay without it.
const SANS_IO: &[&str] = &["wire", "sql", "dsql", "compat", "session", "adapt"];

/// Lines of code, tests not counted, that a file may have.
const BUDGET: usize = 800;

fn sources() -> Vec<(String, PathBuf, String)> {
    fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    walk(&source, &mut paths);
    assert!(paths.len() > 30, "the walk has not found the sources");
    paths
        .into_iter()
        .filter_map(|path| {
            let relative = path.strip_prefix(&source).unwrap();
            let room = relative
                .components()
                .next()
                .unwrap()
                .as_os_str()
                .to_str()
                .unwrap();
            // lib.rs and main.rs belong to no room.
            let text = fs::read_to_string(&path).unwrap();
            (path.parent() != Some(&source)).then(|| (room.to_owned(), relative.to_owned(), text))
        })
        .collect()
}

/// The rooms that a text names: `crate::room` and the lists in `use crate::{room, …}`.
fn rooms_used(text: &str) -> Vec<String> {
    let mut rooms = Vec::new();
    for line in text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
    {
        for part in line.split("crate::").skip(1) {
            let names = match part.strip_prefix('{') {
                Some(list) => list.split(['}', ';']).next().unwrap_or_default(),
                None => part.split(',').next().unwrap_or_default(),
            };
            for name in names.split(',') {
                let name: String = name
                    .trim()
                    .chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect();
                rooms.push(name);
            }
        }
    }
    rooms
}

#[test]
fn rooms_use_lower_floors_only() {
    let floors: BTreeMap<_, _> = FLOORS.iter().copied().collect();
    let mut uses = 0;
    for (room, path, text) in sources() {
        let floor = floors
            .get(room.as_str())
            .unwrap_or_else(|| panic!("{room} is not in the table of floors"));
        for used in rooms_used(&text) {
            let Some(lower) = floors.get(used.as_str()).filter(|_| used != room) else {
                continue;
            };
            uses += 1;
            assert!(
                lower < floor,
                "{}: {room} must not use {used}",
                path.display()
            );
            for (from, to, why) in CLOSED_DOORS {
                let closed = room == *from && used == *to;
                assert!(
                    !closed,
                    "{}: {room} must not use {used}: {why}",
                    path.display()
                );
            }
        }
    }
    assert!(uses > 20, "the test does not see the uses any more");
}

#[test]
fn the_test_sees_uses() {
    assert_eq!(rooms_used("use crate::wire::{Frame, Step};"), ["wire"]);
    assert_eq!(rooms_used("use crate::{net, iam::Signer};"), ["net", "iam"]);
    assert_eq!(rooms_used("let x = crate::pool::new();"), ["pool"]);
    assert!(rooms_used("//! see [`crate::proxy`]").is_empty());
}

#[test]
fn rooms_without_io_stay_without_it() {
    for (room, path, text) in sources() {
        if !SANS_IO.contains(&room.as_str()) {
            continue;
        }
        for outside in [
            "tokio::",
            "TcpStream",
            "std::fs",
            "std::env",
            "SystemTime::now",
        ] {
            assert!(!text.contains(outside), "{} uses {outside}", path.display());
        }
    }
}

#[test]
fn only_iam_and_the_command_line_touch_aws() {
    for (room, path, text) in sources() {
        let may = ["iam", "cli"].contains(&room.as_str());
        for aws in ["aws_config", "aws_credential_types", "aws_sdk", "aws_types"] {
            assert!(may || !text.contains(aws), "{} uses {aws}", path.display());
        }
    }
}

#[test]
fn files_stay_within_their_budget() {
    for (_, path, text) in sources() {
        let is_test = path
            .components()
            .any(|c| c.as_os_str().to_string_lossy().contains("tests"));
        let code = text
            .split("#[cfg(test)]\nmod tests {")
            .next()
            .unwrap_or_default();
        let lines = code.lines().filter(|line| !line.trim().is_empty()).count();
        assert!(
            is_test || lines <= BUDGET,
            "{} has {lines} lines",
            path.display()
        );
    }
}

#[test]
fn every_room_says_what_it_is() {
    for (_, path, text) in sources()
        .iter()
        .filter(|(room, path, _)| path.as_os_str().to_str() == Some(&format!("{room}/mod.rs")))
    {
        for line in [
            "**Owns**",
            "**May touch**",
            "**Must not**",
            "**Invariants**",
        ] {
            assert!(
                text.contains(line),
                "{} does not say what it {line}",
                path.display()
            );
        }
    }
}

#[test]
fn every_room_is_explained() {
    let text =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("ARCHITECTURE.md")).unwrap();
    for (room, floor) in FLOORS {
        let row = format!("| {floor} | `{room}/` |");
        assert!(
            text.contains(&row),
            "ARCHITECTURE.md has no row beginning {row:?}"
        );
    }
}
