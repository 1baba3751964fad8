use std::os::unix::fs::PermissionsExt as _;

use super::*;

#[test]
fn versions() {
    for (text, major) in [
        (
            "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n",
            Some(15),
        ),
        ("postgres (PostgreSQL) 17beta1\n", Some(17)),
        ("postgres (PostgreSQL) 9.6.24\n", Some(9)),
        ("postgres (Something) 15.1\n", None),
        ("", None),
    ] {
        assert_eq!(parse_version(text), major, "{text}");
    }
}

/// A directory whose `postgres` says that it is this version.
fn pretend(parent: &Path, version: &str) -> PathBuf {
    let dir = parent.join(version);
    std::fs::create_dir(&dir).unwrap();
    for name in ["initdb", "postgres"] {
        let file = dir.join(name);
        std::fs::write(
            &file,
            format!("#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n"),
        )
        .unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    dir
}

#[tokio::test]
async fn a_given_directory_is_the_only_one() {
    let dir = tempfile::tempdir().unwrap();
    let old = pretend(dir.path(), "14.9");
    let new = pretend(dir.path(), "16.2");
    let found = Binaries::find(Some(&new), None, None).await.unwrap();
    assert_eq!((found.dir.as_path(), found.major), (new.as_path(), 16));
    let text = Binaries::find(Some(&old), None, None)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        text.starts_with("no PostgreSQL 15 or newer found (looked in /"),
        "{text}"
    );
    assert!(text.contains("apt-get install postgresql"), "{text}");
}

#[tokio::test]
async fn the_newest_or_the_one_that_made_the_data() {
    let dir = tempfile::tempdir().unwrap();
    let path = std::env::join_paths(
        ["1000.1", "1002.1", "1001.1", "14.1"].map(|v| pretend(dir.path(), v)),
    )
    .unwrap();
    let newest = Binaries::find(None, Some(&path), None).await.unwrap();
    assert_eq!(newest.major, 1002);
    let wanted = Binaries::find(None, Some(&path), Some(1001)).await.unwrap();
    assert_eq!(wanted.major, 1001);
    Binaries::find(None, Some(&path), Some(14))
        .await
        .unwrap_err();
}
