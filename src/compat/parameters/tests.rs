use super::table::TABLE;
use super::{Context, EMULATED, OF_TRANSACTION, context, fixed, is_emulated, parameter};
use crate::dsql::parameters;

#[test]
fn the_table_is_in_order_and_consistent() {
    assert!(TABLE.is_sorted_by(|a, b| a.name < b.name));
    for row in TABLE {
        assert_eq!(row.name, row.name.to_ascii_lowercase());
        assert!(row.kind.read(row.name, row.boot).is_ok(), "{}", row.name);
        assert!((16..=18).contains(&row.since), "{}", row.name);
        assert!(
            matches!(row.context, Context::User | Context::Superuser),
            "{}",
            row.name
        );
        assert!(!parameters::is_supported(row.name), "{}", row.name);
        assert!(parameters::is_known_to_postgresql(row.name), "{}", row.name);
        assert_eq!(fixed::context(row.name), None, "{}", row.name);
    }
}

#[test]
fn the_lists_are_in_order() {
    for (_, names) in fixed::LISTS {
        assert!(names.is_sorted_by(|a, b| a < b));
        assert!(!names.is_empty());
        for name in *names {
            assert!(parameters::is_known_to_postgresql(name), "{name}");
        }
    }
    assert_eq!(context("shared_buffers"), Some(Context::Postmaster));
    assert_eq!(context("fsync"), Some(Context::Sighup));
    assert_eq!(context("log_statement"), Some(Context::Superuser));
    assert_eq!(context("no_such"), None);
    assert_eq!(context("search_path"), None);
}

#[test]
fn what_is_emulated_is_in_the_table() {
    for name in EMULATED {
        assert!(parameter(name).is_some(), "{name}");
    }
    for (own, default) in OF_TRANSACTION {
        assert!(is_emulated(own) && is_emulated(default));
    }
    assert!(!is_emulated("work_mem"));
}
