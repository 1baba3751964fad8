//! The documentation of settings and metrics is what the tables say; `BLESS=1` rewrites it.

use std::fs;
use std::path::{Path, PathBuf};

use dsql_proxy::config::docs;
use dsql_proxy::observe::metrics;

/// Compares a file with what it should hold, or writes it.
fn compare(name: &str, expected: &str) {
    let path = path(name);
    if std::env::var_os("BLESS").is_some() {
        let written = fs::write(&path, expected);
        assert!(written.is_ok(), "{name}: {written:?}");
        return;
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == expected,
        "{name} is not what the table says; write it anew with\n  \
         BLESS=1 cargo test --test it settings_docs"
    );
}

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

#[test]
fn the_sample_file_is_current() {
    compare("config/dsql-proxy.toml", &docs::sample_file());
}

#[test]
fn the_reference_is_current() {
    compare("docs/settings.md", &docs::reference());
}

#[test]
fn the_table_of_the_readme_is_current() {
    let readme = fs::read_to_string(path("README.md")).unwrap();
    let expected = docs::Part::SETTINGS
        .replace(&readme, &docs::flags_table())
        .expect("README.md has the markers of the table of settings");
    compare("README.md", &expected);
}

#[test]
fn the_table_of_limits_is_current() {
    let guide = "docs/local-cluster.md";
    let text = fs::read_to_string(path(guide)).unwrap();
    let expected = docs::Part::LIMITS
        .replace(&text, &docs::limits_table())
        .expect("the guide has the markers of the table of limits");
    compare(guide, &expected);
}

#[test]
fn the_reference_of_metrics_is_current() {
    compare("docs/metrics.md", &metrics::reference());
}
