use super::*;

#[test]
fn a_limit_is_that_of_dsql_unless_it_was_set() {
    let limits = Limits::default();
    assert_eq!(limits.of(&limits::TRANSACTION_ROWS), 3000);
    assert_eq!(
        limits.duration(&limits::SESSION_AGE),
        Duration::from_hours(1)
    );

    let first = &limits::ALL[0];
    let limits: Limits = [(first, 7), (first, 5)].into_iter().collect();
    assert_eq!(limits.of(first), 5);
}

#[test]
fn the_catalog_has_what_statements_cross() {
    let mut limits = Limits::default();
    limits.set(&limits::TABLES, 3);
    let catalog: BTreeMap<_, _> = limits.catalog().collect();
    assert_eq!(catalog["tables"], 3);
    for name in ["schemas", "views", "sequences", "indexes", "columns"] {
        assert!(catalog.contains_key(name), "{name}");
    }
    assert!(!catalog.contains_key("connections"));
    assert!(!catalog.contains_key("session_age"));
}
