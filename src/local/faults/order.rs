//! Orders out of text: `oc000 at=commit times=3 match=UPDATE`.

use std::time::Duration;

use super::fault::{
    Action, CommitFault, DelayAt, Effect, Fault, Pattern, Refusal, StatementFault, Target,
};
use super::words::{self, Words};

/// What a user asks for.
#[derive(Debug, Clone)]
pub enum Order {
    /// A fault that waits for its moment.
    Arm(Fault),
    /// Connections end now, without a word.
    Cut(Target),
    /// Sessions have reached their age, and end when they are in no transaction.
    Expire(Target),
    /// The cluster's clock is so many seconds ahead of the system's.
    ShiftClock(i64),
}

/// The longest delay: what is longer is a mistake.
const LONGEST_DELAY: Duration = Duration::from_hours(1);
/// The furthest that the clock goes: a century or so, which every date can take.
const FURTHEST_SHIFT: u64 = 100 * 366 * 24 * 3600;

/// The kinds of orders, the words that each takes besides those for its sessions, and what makes
/// it.
const KINDS: &[(&str, &[&str], Make)] = &[
    ("refuse", &["reason", "hint", "times"], refuse),
    ("delay", &["by", "at", "match", "times"], delay),
    ("oc000", &["at", "match", "times"], oc000),
    ("oc001", &["at", "match", "times"], oc001),
    (
        "unavailable",
        &["at", "when", "match", "times"],
        unavailable,
    ),
    ("cut", &["at", "when", "match", "times"], cut),
    ("expire", &[], |_, target| Ok(Order::Expire(target))),
    ("stale-catalog", &["times"], stale_catalog),
    ("clock", &["shift"], clock),
];

/// The words for the sessions that are meant.
const TARGET: &[&str] = &["session", "role", "application-name"];

type Make = fn(&mut Words, Target) -> Result<Order, String>;

impl Order {
    /// Reads orders with `;` or line ends between them.
    ///
    /// # Errors
    /// A sentence for the user.
    pub fn parse(text: &str) -> Result<Vec<Self>, String> {
        words::split(text)?.into_iter().map(Self::read).collect()
    }

    /// Reads one order.
    pub(in crate::local) fn read(mut words: Words) -> Result<Self, String> {
        let kind = words.kind.clone();
        let Some((_, keys, make)) = KINDS.iter().find(|(word, ..)| *word == kind) else {
            let kinds: Vec<_> = KINDS.iter().map(|(word, ..)| *word).collect();
            return Err(format!(
                "there is no fault `{kind}`; there are {}",
                kinds.join(", ")
            ));
        };
        let takes: Vec<&str> = keys
            .iter()
            .chain(TARGET.iter().filter(|_| kind != "clock"))
            .copied()
            .collect();
        for (key, _) in &words.pairs {
            if !takes.contains(&key.as_str()) {
                return Err(format!(
                    "{kind}: there is no `{key}=`; it takes {}",
                    takes.join(", ")
                ));
            }
            if words.pairs.iter().filter(|(other, _)| other == key).count() > 1 {
                return Err(format!("{kind}: `{key}=` is given twice"));
            }
        }
        let order = target(&mut words).and_then(|target| make(&mut words, target));
        order.map_err(|why| format!("{kind}: {why}"))
    }
}

fn target(words: &mut Words) -> Result<Target, String> {
    let process_id = words.take("session").map(|text| {
        text.parse()
            .map_err(|_| format!("session={text}: expected a process id, as in BackendKeyData"))
    });
    Ok(Target {
        process_id: process_id.transpose()?,
        role: words.take("role"),
        application_name: words.take("application-name"),
    })
}

/// A fault of so many times, once if nothing is said.
fn arm(words: &mut Words, target: Target, action: Action) -> Result<Order, String> {
    let times = match words.take("times").as_deref() {
        None if action == Action::StaleCatalog => None,
        None => Some(1),
        Some("all") => None,
        Some(text) => Some(
            text.parse()
                .ok()
                .filter(|times| *times > 0)
                .ok_or_else(|| {
                    format!(
                        "times={text}: expected a number from 1, or `all` for until it is cleared"
                    )
                })?,
        ),
    };
    let pattern = words.take("match");
    Ok(Order::Arm(Fault {
        action,
        target,
        pattern: pattern.as_deref().map(Pattern::new).transpose()?,
        times,
    }))
}

fn refuse(words: &mut Words, target: Target) -> Result<Order, String> {
    if target.process_id.is_some() {
        return Err("a login has no process id yet: name a role or an application-name".to_owned());
    }
    let hint = words.take("hint");
    let reason = words.take("reason").unwrap_or_default();
    let refusal = match reason.as_str() {
        "denied" => Refusal::AccessDenied {
            hint: hint.clone().unwrap_or_else(|| {
                "The security token included in the request is invalid.".to_owned()
            }),
        },
        "rate" => Refusal::RateExceeded,
        "connections" => Refusal::TooManyConnections,
        "waking-up" => Refusal::WakingUp,
        other => {
            return Err(format!(
                "reason={other}: expected rate, connections, denied or waking-up"
            ));
        }
    };
    if hint.is_some() && reason != "denied" {
        return Err("only reason=denied has a hint".to_owned());
    }
    arm(words, target, Action::Refuse(refusal))
}

fn delay(words: &mut Words, target: Target) -> Result<Order, String> {
    let by = words.take("by").unwrap_or_default();
    let duration = humantime::parse_duration(&by)
        .ok()
        .filter(|by| *by <= LONGEST_DELAY)
        .ok_or_else(|| format!("by={by}: expected a duration up to 1h, such as `500ms` or `2s`"))?;
    let at = match words.take("at").as_deref() {
        Some("login") if words.pairs.iter().any(|(key, _)| key == "match") => {
            return Err("a login has no statement to match".to_owned());
        }
        Some("login") => DelayAt::Login,
        None | Some("statement") => DelayAt::Statement,
        Some("commit") => DelayAt::Commit,
        Some(other) => return Err(no_point(other, "login, statement or commit")),
    };
    arm(words, target, Action::Delay(at, duration))
}

fn oc000(words: &mut Words, target: Target) -> Result<Order, String> {
    let action = match words.take("at").as_deref() {
        Some("execute") => Action::Statement(StatementFault::ConflictAtExecute),
        Some("sync") => Action::Statement(StatementFault::ConflictAtSync),
        None | Some("commit") => Action::Commit(CommitFault::Conflict),
        Some(other) => return Err(no_point(other, "execute, sync or commit")),
    };
    arm(words, target, action)
}

fn oc001(words: &mut Words, target: Target) -> Result<Order, String> {
    let action = match words.take("at").as_deref() {
        None | Some("statement") => Action::Statement(StatementFault::SchemaChanged),
        Some("commit") => Action::Commit(CommitFault::SchemaChanged),
        Some(other) => return Err(no_point(other, "statement or commit")),
    };
    arm(words, target, action)
}

fn unavailable(words: &mut Words, target: Target) -> Result<Order, String> {
    let effect = effect(words)?;
    let action = match (words.take("at").as_deref(), effect) {
        (None | Some("statement"), None) => Action::Statement(StatementFault::Unavailable),
        (Some("commit"), effect) => {
            Action::Commit(CommitFault::Unavailable(effect.unwrap_or(Effect::Before)))
        }
        (None | Some("statement"), Some(_)) => return Err(NO_EFFECT.to_owned()),
        (Some(other), _) => return Err(no_point(other, "statement or commit")),
    };
    arm(words, target, action)
}

fn cut(words: &mut Words, target: Target) -> Result<Order, String> {
    let effect = effect(words)?;
    let action = match (words.take("at").as_deref(), effect) {
        (None | Some("now"), None) => {
            return match words.pairs.first() {
                None => Ok(Order::Cut(target)),
                Some((key, _)) => Err(format!("`{key}=` goes with at=statement or at=commit")),
            };
        }
        (Some("statement"), None) => Action::Statement(StatementFault::Cut),
        (Some("commit"), effect) => {
            Action::Commit(CommitFault::Cut(effect.unwrap_or(Effect::Before)))
        }
        (None | Some("now" | "statement"), Some(_)) => return Err(NO_EFFECT.to_owned()),
        (Some(other), _) => return Err(no_point(other, "now, statement or commit")),
    };
    arm(words, target, action)
}

fn stale_catalog(words: &mut Words, target: Target) -> Result<Order, String> {
    arm(words, target, Action::StaleCatalog)
}

fn clock(words: &mut Words, _: Target) -> Result<Order, String> {
    let text = words.take("shift").unwrap_or_default();
    let (sign, duration) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(&text)),
    };
    let seconds = match duration {
        "0" => Some(0),
        _ => humantime::parse_duration(duration)
            .ok()
            .map(|duration| duration.as_secs()),
    };
    seconds
        .filter(|seconds| *seconds <= FURTHEST_SHIFT)
        .and_then(|seconds| i64::try_from(seconds).ok())
        .map(|seconds| Order::ShiftClock(sign * seconds))
        .ok_or_else(|| {
            format!(
                "shift={text}: expected a duration up to 100 years, such as `1h` or `-15m`, or 0"
            )
        })
}

const NO_EFFECT: &str = "`when=` goes with at=commit";

fn effect(words: &mut Words) -> Result<Option<Effect>, String> {
    match words.take("when").as_deref() {
        None => Ok(None),
        Some("before") => Ok(Some(Effect::Before)),
        Some("after") => Ok(Some(Effect::After)),
        Some(other) => Err(format!("when={other}: expected before or after")),
    }
}

fn no_point(at: &str, points: &str) -> String {
    format!("at={at}: expected {points}")
}
