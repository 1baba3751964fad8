use super::*;

const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\n\
                      nobody:x:65534:65533:nobody:/nonexistent:/usr/sbin/nologin\n";

#[test]
fn postgres_is_preferred_to_nobody() {
    let nobody = unprivileged(PASSWD).unwrap();
    assert_eq!(
        (nobody.name.as_str(), nobody.uid, nobody.gid),
        ("nobody", 65534, 65533)
    );
    let both = format!("{PASSWD}postgres:x:101:104::/var/lib/postgresql:/bin/bash\n");
    assert_eq!(unprivileged(&both).unwrap().uid, 101);
    assert_eq!(unprivileged("root:x:0:0::/root:/bin/bash\n"), None);
    assert_eq!(
        unprivileged("postgres:x:0:0::/root:/bin/bash\nnonsense\n"),
        None
    );
}

#[test]
fn who_may_enter() {
    let user = User {
        name: "postgres".to_owned(),
        uid: 101,
        gid: 104,
    };
    assert!(user.may_enter(0, 0, 0o755));
    assert!(user.may_enter(0, 0, 0o711));
    assert!(!user.may_enter(0, 0, 0o700));
    assert!(user.may_enter(101, 0, 0o700));
    assert!(user.may_enter(0, 104, 0o710));
    assert!(
        !user.may_enter(101, 104, 0o077),
        "the owner's bits decide for the owner"
    );
}
