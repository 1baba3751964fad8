use super::*;

/// A directory that PostgreSQL's user may enter, also as root.
fn parent() -> TempDir {
    let dir = tempfile::tempdir_in("/tmp").unwrap();
    let open = std::fs::Permissions::from_mode(0o711);
    std::fs::set_permissions(dir.path(), open).unwrap();
    dir
}

fn mode(dir: &Path) -> u32 {
    dir.metadata().unwrap().mode() & 0o777
}

#[tokio::test]
async fn parents_are_made_like_other_directories() {
    let launcher = Launcher::new().await.unwrap();
    let parent = parent();
    let plain = parent.path().join("plain");
    std::fs::create_dir(&plain).unwrap();
    let dir = parent.path().join("a/b");
    let opened = DataDirectory::open(Some(&dir), &launcher).unwrap();
    assert_eq!(opened.path(), dir);
    assert_eq!(mode(&parent.path().join("a")), mode(&plain));
    let own = if launcher.drops_privileges() {
        0o711
    } else {
        0o700
    };
    assert_eq!(mode(&dir), own);
}

#[tokio::test]
async fn a_failure_leaves_nothing_behind() {
    let launcher = Launcher::new().await.unwrap();
    let parent = parent();
    let mut made = Made::default();
    make(&parent.path().join("a/b/c"), &launcher, &mut made).unwrap();
    drop(lock(&parent.path().join("a/b/c")).unwrap());
    drop(made);
    assert_eq!(parent.path().read_dir().unwrap().count(), 0);

    // As root, and the directory is for root alone.
    let closed = std::fs::Permissions::from_mode(0o700);
    std::fs::set_permissions(parent.path(), closed).unwrap();
    let opened = DataDirectory::open(Some(&parent.path().join("x/y")), &launcher);
    if launcher.drops_privileges() {
        assert!(
            matches!(opened, Err(LocalError::Unreachable { .. })),
            "{opened:?}"
        );
        assert_eq!(parent.path().read_dir().unwrap().count(), 0);
    }
}

#[tokio::test]
async fn sockets_are_elsewhere_where_their_path_will_not_do() {
    let launcher = Launcher::new().await.unwrap();
    let parent = parent();
    for (name, inside) in [
        ("plain", true),
        ("with,comma", false),
        ("with space", false),
        (&"long".repeat(30), false),
    ] {
        let dir = parent.path().join(name);
        let opened = DataDirectory::open(Some(&dir), &launcher).unwrap();
        let sockets = opened.places().sockets;
        assert_eq!(sockets.starts_with(&dir), inside, "{name}");
        assert!(holds_sockets(sockets.parent().unwrap()), "{name}");
    }
}

#[tokio::test]
async fn the_second_choice_is_tmp() {
    let launcher = Launcher::new().await.unwrap();
    let tmp = Path::new("/tmp");
    let dir = temporary(&launcher, |parent| parent == tmp).unwrap();
    assert_eq!(dir.path().parent(), Some(tmp));
    // Where that will not do either, the first choice is the one to complain about.
    let dir = temporary(&launcher, |_| false).unwrap();
    assert_eq!(dir.path().parent(), Some(std::env::temp_dir().as_path()));
}

#[tokio::test]
async fn the_cluster_of_another_user_is_left_alone() {
    let launcher = Launcher::new().await.unwrap();
    let parent = parent();
    let dir = parent.path().join("cluster");
    std::fs::create_dir_all(dir.join(DATA)).unwrap();
    std::fs::write(dir.join(IDENTITY), "").unwrap();
    std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o711)).unwrap();
    let opened = DataDirectory::open(Some(&dir), &launcher);
    // Made as we are, which is not as PostgreSQL is if we are root.
    if launcher.drops_privileges() {
        let error = opened.unwrap_err();
        assert!(matches!(error, LocalError::OtherUser { .. }), "{error}");
        assert!(error.to_string().contains("run as `root`"), "{error}");
        assert!(!dir.join(LOCK).exists());
    } else {
        opened.unwrap();
    }
}
