//! The table itself, and what is generated from it.

use super::*;
use crate::config::{docs, resolve, value};

#[test]
fn the_table_is_sound() {
    for (index, setting) in SETTINGS.iter().enumerate() {
        let name = setting.name;
        assert!(
            name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'),
            "{name} is not kebab-case"
        );
        assert!(
            !["cluster", "endpoint", "help", "version"].contains(&name),
            "{name} means something else"
        );
        assert!(
            SETTINGS
                .iter()
                .skip(index + 1)
                .all(|other| other.name != name),
            "{name} stands twice"
        );
        assert!(!setting.help.ends_with('.'), "{name}: {}", setting.help);
        assert!(setting.doc.ends_with('.'), "{name}: {}", setting.doc);
        assert!(!setting.commands.is_empty(), "{name} is of no command");
        if let DefaultValue::Value(text) = setting.default {
            assert_eq!(value::check(setting.kind, text), Ok(()), "{name}");
        }
    }
    assert!(resolve::defaults().contains_key("port"));
}

/// The sample file with every setting taken out of its comment.
fn uncommented() -> String {
    docs::sample_file()
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(rest) if !rest.starts_with(' ') => rest,
            _ => line,
        })
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn the_sample_file_is_valid_and_holds_the_defaults() {
    let sample = uncommented();
    for setting in SETTINGS {
        let line = format!("\n{} = ", setting.key());
        assert_eq!(
            sample.contains(&line),
            setting.places == Places::Everywhere,
            "{}",
            setting.key()
        );
    }
    let proxy = proxy_of("--config-file c.toml", &[], &sample);
    assert_eq!(proxy.clusters.len(), 1);
    assert_eq!(proxy.clusters[0].port, 5433);
    assert_eq!(proxy.unix_socket, Some(PathBuf::from("/run/dsql-proxy")));
    assert_eq!(proxy.clusters[0].token_duration, Duration::from_mins(15));
    assert_eq!(proxy.max_clients, defaults().max_clients);
    assert_eq!(proxy.logs, defaults().logs);

    // As it is, it says nothing.
    let with_file = proxy_of("A --config-file c.toml", &[], &docs::sample_file());
    assert_eq!(with_file, defaults());
}

#[test]
fn every_setting_is_in_the_reference_and_in_the_table() {
    for setting in SETTINGS {
        assert!(docs::reference().contains(&format!("\n### {}\n", setting.name)));
        assert!(docs::flags_table().contains(&format!("| `--{}", setting.name)));
    }
}

#[test]
fn only_what_stands_between_the_markers_is_replaced() {
    let part = docs::Part::SETTINGS;
    let text = format!("a\n{}\nold\n{}\nb\n", part.begin(), part.end());
    let expected = format!("a\n{}\nnew\n{}\nb\n", part.begin(), part.end());
    assert_eq!(part.replace(&text, "new\n"), Some(expected));
    assert_eq!(part.replace("a", "new\n"), None);
    assert_eq!(docs::Part::LIMITS.replace(&text, "new\n"), None);
}
