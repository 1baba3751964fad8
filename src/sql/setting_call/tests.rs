use proptest::prelude::*;

use super::{Argument, SettingCalls, SettingFunction, setting_calls};

fn shown(argument: &Argument) -> String {
    match argument {
        Argument::Null => "NULL".to_owned(),
        Argument::Text(text) => format!("'{text}'"),
        Argument::Parameter(number) => format!("${number}"),
    }
}

/// The calls, written again in one form.
fn written(calls: &SettingCalls) -> String {
    let mut all: Vec<String> = calls
        .calls
        .iter()
        .map(|call| match &call.function {
            SettingFunction::Set {
                name,
                value,
                is_local,
            } => format!(
                "{}={} local {} as {}",
                shown(name),
                shown(value),
                shown(is_local),
                call.column
            ),
            SettingFunction::Current { name, missing_ok } => {
                format!(
                    "{} or {} as {}",
                    shown(name),
                    shown(missing_ok),
                    call.column
                )
            }
        })
        .collect();
    all.extend(calls.if_known.clone().map(|name| format!("if {name}")));
    all.join(", ")
}

#[test]
fn what_is_read() {
    for (text, expected) in [
        (
            "SELECT set_config('bytea_output','hex',false) FROM pg_settings WHERE name = 'bytea_output'",
            "'bytea_output'='hex' local 'false' as set_config, if bytea_output",
        ),
        (
            "SELECT set_config(name, 'view, foreign-table', false) FROM pg_settings WHERE name = 'restrict_nonsystem_relation_kind'",
            "'restrict_nonsystem_relation_kind'='view, foreign-table' local 'false' as set_config, if restrict_nonsystem_relation_kind",
        ),
        (
            "SELECT pg_catalog.set_config('search_path', '', false);",
            "'search_path'='' local 'false' as set_config",
        ),
        (
            "SELECT current_setting('jit'), set_config('jit','off',false)",
            "'jit' or 'false' as current_setting, 'jit'='off' local 'false' as set_config",
        ),
        (
            "select SET_CONFIG($1::text, $2, 't') AS \"A b\", current_setting('x', TRUE) Old",
            "$1=$2 local 't' as A b, 'x' or 'true' as old",
        ),
        (
            "select set_config('a', NULL, false) -- reset",
            "'a'=NULL local 'false' as set_config",
        ),
        (
            "select current_setting('a') \"from\"",
            "'a' or 'false' as from",
        ),
    ] {
        let found = setting_calls(text.as_bytes()).map(|calls| written(&calls));
        assert_eq!(found.as_deref(), Some(expected), "{text}");
    }
}

#[test]
fn where_the_calls_are() {
    let text = "select pg_catalog.set_config('a', 'b', true) x, current_setting('c')";
    let calls = setting_calls(text.as_bytes()).unwrap().calls;
    let pieces: Vec<_> = calls
        .iter()
        .map(|call| (&text[call.span.clone()], call.has_alias))
        .collect();
    assert_eq!(
        pieces,
        [
            ("pg_catalog.set_config('a', 'b', true)", true),
            ("current_setting('c')", false)
        ]
    );
}

#[test]
fn others_are_left_alone() {
    for text in [
        "",
        "select",
        "select 1",
        "select set_config('a', 'b', false), 1",
        "select set_config('a', 'b')",
        "select set_config('a', b, false)",
        "select set_config('a' || 'b', 'b', false)",
        "select set_config('a', 'b', false) from t",
        "select set_config('a', 'b', false) from pg_settings where name <> 'a'",
        "select set_config('a', 'b', false) where true",
        "select set_config(name, 'b', false)",
        "select x.set_config('a', 'b', false)",
        "select set_config('a', 1::int, false)",
        "select current_setting('a')::int",
        "select current_setting('a') as",
        "select current_setting('a'); select 1",
        "insert into t select set_config('a', 'b', false)",
    ] {
        assert_eq!(setting_calls(text.as_bytes()), None, "{text}");
    }
}

proptest! {
    #[test]
    fn never_panics(text in prop::collection::vec(any::<u8>(), 0..60)) {
        setting_calls(&[b"select set_config(".as_slice(), &text].concat());
        super::super::set_values(&text);
        super::super::transaction_modes(&text);
    }
}
