//! Every parameter of PostgreSQL 18 that a session may set, those left out that DSQL supports.

use super::kind::Kind::{self, Bool, List, Text};
use super::unit::Unit;
use super::{Context, Parameter};

const fn user(name: &'static str, kind: Kind, boot: &'static str) -> Parameter {
    Parameter {
        name,
        context: Context::User,
        kind,
        boot,
        since: 16,
    }
}

const fn superuser(name: &'static str, kind: Kind, boot: &'static str) -> Parameter {
    Parameter {
        context: Context::Superuser,
        ..user(name, kind, boot)
    }
}

const fn since(version: u8, parameter: Parameter) -> Parameter {
    Parameter {
        since: version,
        ..parameter
    }
}

const fn int(unit: Unit, min: i32, max: i32) -> Kind {
    Kind::Int { unit, min, max }
}

const fn real(unit: Unit, min: f64, max: f64) -> Kind {
    Kind::Real { unit, min, max }
}

const fn words(shown: &'static [&'static str]) -> Kind {
    aliased(shown, &[])
}

const fn aliased(
    shown: &'static [&'static str],
    aliases: &'static [(&'static str, &'static str)],
) -> Kind {
    Kind::Enum { shown, aliases }
}

/// What parameters take that were switches once.
const SWITCH: &[(&str, &str)] = &[
    ("true", "on"),
    ("false", "off"),
    ("yes", "on"),
    ("no", "off"),
    ("1", "on"),
    ("0", "off"),
];

const COMPRESSION: &[(&str, &str)] = &[
    ("on", "pglz"),
    ("true", "pglz"),
    ("false", "off"),
    ("yes", "pglz"),
    ("no", "off"),
    ("1", "pglz"),
    ("0", "off"),
];

const LEVELS: &[&str] = &[
    "serializable",
    "repeatable read",
    "read committed",
    "read uncommitted",
];

#[rustfmt::skip]
const MESSAGES: &[&str] = &[
    "debug5", "debug4", "debug3", "debug2", "debug1", "log", "notice", "warning", "error",
];

#[rustfmt::skip]
const ICU_MESSAGES: &[&str] = &[
    "disabled", "debug5", "debug4", "debug3", "debug2", "debug1", "log", "notice", "warning",
    "error",
];

#[rustfmt::skip]
const SERVER_MESSAGES: &[&str] = &[
    "debug5", "debug4", "debug3", "debug2", "debug1", "info", "notice", "warning", "error", "log",
    "fatal", "panic",
];

const MESSAGE_ALIASES: &[(&str, &str)] = &[("debug", "debug2"), ("info", "info")];

/// The parameters, sorted by name.
///
/// Source: `pg_settings` of PostgreSQL 18.4, 17.10 and 16.14 (2026-11-21), where a setting that
/// has come after 16 says so, and the aliases that it does not show, tried one by one. What that
/// view hides is from the manual (`role`, `session_authorization`, `seed`) and `guc_tables.c`
/// (`default_with_oids`). Compression methods are those of a complete build.
#[rustfmt::skip]
pub(super) static TABLE: &[Parameter] = &[
    superuser("allow_in_place_tablespaces", Bool, "off"),
    superuser("allow_system_table_mods", Bool, "off"),
    user("array_nulls", Bool, "on"),
    user("backend_flush_after", int(Unit::Blocks, 0, 256), "0"),
    user("backslash_quote", aliased(&["safe_encoding", "on", "off"], SWITCH), "safe_encoding"),
    superuser("backtrace_functions", Text, ""),
    user("bytea_output", words(&["escape", "hex"]), "hex"),
    user("check_function_bodies", Bool, "on"),
    user("client_connection_check_interval", int(Unit::Milliseconds, 0, i32::MAX), "0"),
    user("client_min_messages", aliased(MESSAGES, MESSAGE_ALIASES), "notice"),
    superuser("commit_delay", int(Unit::None, 0, 100_000), "0"),
    user("commit_siblings", int(Unit::None, 0, 1000), "5"),
    superuser("compute_query_id", aliased(&["auto", "regress", "on", "off"], SWITCH), "auto"),
    user("constraint_exclusion", aliased(&["partition", "on", "off"], SWITCH), "partition"),
    user("cpu_index_tuple_cost", real(Unit::None, 0.0, f64::MAX), "0.005"),
    user("cpu_operator_cost", real(Unit::None, 0.0, f64::MAX), "0.0025"),
    user("cpu_tuple_cost", real(Unit::None, 0.0, f64::MAX), "0.01"),
    user("createrole_self_grant", List { quoted: false }, ""),
    user("cursor_tuple_fraction", real(Unit::None, 0.0, 1.0), "0.1"),
    superuser("deadlock_timeout", int(Unit::Milliseconds, 1, i32::MAX), "1000"),
    superuser("debug_discard_caches", int(Unit::None, 0, 0), "0"),
    user("debug_logical_replication_streaming", words(&["buffered", "immediate"]), "buffered"),
    user("debug_parallel_query", aliased(&["off", "on", "regress"], SWITCH), "off"),
    user("debug_pretty_print", Bool, "on"),
    user("debug_print_parse", Bool, "off"),
    user("debug_print_plan", Bool, "off"),
    user("debug_print_rewritten", Bool, "off"),
    user("default_statistics_target", int(Unit::None, 1, 10000), "100"),
    user("default_table_access_method", Text, "heap"),
    user("default_tablespace", Text, ""),
    user("default_text_search_config", Text, "pg_catalog.simple"),
    user("default_toast_compression", words(&["pglz", "lz4"]), "pglz"),
    user("default_transaction_deferrable", Bool, "off"),
    user("default_transaction_isolation", words(LEVELS), "read committed"),
    user("default_transaction_read_only", Bool, "off"),
    user("default_with_oids", Bool, "off"),
    superuser("dynamic_library_path", Text, "$libdir"),
    user("effective_cache_size", int(Unit::Blocks, 1, i32::MAX), "524288"),
    user("effective_io_concurrency", int(Unit::None, 0, 1000), "16"),
    user("enable_async_append", Bool, "on"),
    since(18, user("enable_distinct_reordering", Bool, "on")),
    user("enable_gathermerge", Bool, "on"),
    since(17, user("enable_group_by_reordering", Bool, "on")),
    user("enable_hashagg", Bool, "on"),
    user("enable_incremental_sort", Bool, "on"),
    user("enable_memoize", Bool, "on"),
    user("enable_parallel_append", Bool, "on"),
    user("enable_parallel_hash", Bool, "on"),
    user("enable_partition_pruning", Bool, "on"),
    user("enable_partitionwise_aggregate", Bool, "off"),
    user("enable_partitionwise_join", Bool, "off"),
    user("enable_presorted_aggregate", Bool, "on"),
    since(18, user("enable_self_join_elimination", Bool, "on")),
    user("enable_sort", Bool, "on"),
    user("enable_tidscan", Bool, "on"),
    user("escape_string_warning", Bool, "on"),
    since(17, superuser("event_triggers", Bool, "on")),
    user("exit_on_error", Bool, "off"),
    since(18, superuser("extension_control_path", Text, "$system")),
    since(18, user("file_copy_method", words(&["copy", "clone"]), "copy")),
    user("from_collapse_limit", int(Unit::None, 1, i32::MAX), "8"),
    user("geqo", Bool, "on"),
    user("geqo_effort", int(Unit::None, 1, 10), "5"),
    user("geqo_generations", int(Unit::None, 0, i32::MAX), "0"),
    user("geqo_pool_size", int(Unit::None, 0, i32::MAX), "0"),
    user("geqo_seed", real(Unit::None, 0.0, 1.0), "0"),
    user("geqo_selection_bias", real(Unit::None, 1.5, 2.0), "2"),
    user("geqo_threshold", int(Unit::None, 2, i32::MAX), "12"),
    user("gin_fuzzy_search_limit", int(Unit::None, 0, i32::MAX), "0"),
    user("gin_pending_list_limit", int(Unit::Kilobytes, 64, i32::MAX), "4096"),
    user("hash_mem_multiplier", real(Unit::None, 1.0, 1000.0), "2"),
    user("icu_validation_level", aliased(ICU_MESSAGES, MESSAGE_ALIASES), "warning"),
    user("idle_in_transaction_session_timeout", int(Unit::Milliseconds, 0, i32::MAX), "0"),
    user("idle_session_timeout", int(Unit::Milliseconds, 0, i32::MAX), "0"),
    superuser("ignore_checksum_failure", Bool, "off"),
    since(17, user("io_combine_limit", int(Unit::Blocks, 1, 128), "16")),
    user("jit", Bool, "on"),
    user("jit_above_cost", real(Unit::None, -1.0, f64::MAX), "100000"),
    superuser("jit_dump_bitcode", Bool, "off"),
    user("jit_expressions", Bool, "on"),
    user("jit_inline_above_cost", real(Unit::None, -1.0, f64::MAX), "500000"),
    user("jit_optimize_above_cost", real(Unit::None, -1.0, f64::MAX), "500000"),
    user("jit_tuple_deforming", Bool, "on"),
    user("join_collapse_limit", int(Unit::None, 1, i32::MAX), "8"),
    superuser("lc_messages", Text, ""),
    user("lc_monetary", Text, "C"),
    user("lc_numeric", Text, "C"),
    user("lc_time", Text, "C"),
    superuser("lo_compat_privileges", Bool, "off"),
    user("local_preload_libraries", List { quoted: true }, ""),
    user("lock_timeout", int(Unit::Milliseconds, 0, i32::MAX), "0"),
    superuser("log_duration", Bool, "off"),
    superuser("log_error_verbosity", words(&["terse", "default", "verbose"]), "default"),
    superuser("log_executor_stats", Bool, "off"),
    since(18, superuser("log_lock_failures", Bool, "off")),
    superuser("log_lock_waits", Bool, "off"),
    superuser("log_min_duration_sample", int(Unit::Milliseconds, -1, i32::MAX), "-1"),
    superuser("log_min_duration_statement", int(Unit::Milliseconds, -1, i32::MAX), "-1"),
    superuser("log_min_error_statement", aliased(SERVER_MESSAGES, MESSAGE_ALIASES), "error"),
    superuser("log_min_messages", aliased(SERVER_MESSAGES, MESSAGE_ALIASES), "warning"),
    superuser("log_parameter_max_length", int(Unit::Bytes, -1, 1_073_741_823), "-1"),
    user("log_parameter_max_length_on_error", int(Unit::Bytes, -1, 1_073_741_823), "0"),
    superuser("log_parser_stats", Bool, "off"),
    superuser("log_planner_stats", Bool, "off"),
    superuser("log_replication_commands", Bool, "off"),
    superuser("log_statement", words(&["none", "ddl", "mod", "all"]), "none"),
    superuser("log_statement_sample_rate", real(Unit::None, 0.0, 1.0), "1"),
    superuser("log_statement_stats", Bool, "off"),
    superuser("log_temp_files", int(Unit::Kilobytes, -1, i32::MAX), "-1"),
    superuser("log_transaction_sample_rate", real(Unit::None, 0.0, 1.0), "0"),
    user("logical_decoding_work_mem", int(Unit::Kilobytes, 64, i32::MAX), "65536"),
    user("maintenance_io_concurrency", int(Unit::None, 0, 1000), "16"),
    user("maintenance_work_mem", int(Unit::Kilobytes, 64, i32::MAX), "65536"),
    user("max_parallel_maintenance_workers", int(Unit::None, 0, 1024), "2"),
    user("max_parallel_workers", int(Unit::None, 0, 1024), "8"),
    user("max_parallel_workers_per_gather", int(Unit::None, 0, 1024), "2"),
    superuser("max_stack_depth", int(Unit::Kilobytes, 100, i32::MAX), "100"),
    since(18, user("md5_password_warnings", Bool, "on")),
    user("min_parallel_index_scan_size", int(Unit::Blocks, 0, 715_827_882), "64"),
    user("min_parallel_table_scan_size", int(Unit::Blocks, 0, 715_827_882), "1024"),
    user("parallel_leader_participation", Bool, "on"),
    user("parallel_setup_cost", real(Unit::None, 0.0, f64::MAX), "1000"),
    user("parallel_tuple_cost", real(Unit::None, 0.0, f64::MAX), "0.1"),
    user("password_encryption", words(&["md5", "scram-sha-256"]), "scram-sha-256"),
    user("plan_cache_mode", words(&["auto", "force_generic_plan", "force_custom_plan"]), "auto"),
    user("quote_all_identifiers", Bool, "off"),
    user("random_page_cost", real(Unit::None, 0.0, f64::MAX), "4"),
    user("recursive_worktable_factor", real(Unit::None, 0.001, 1_000_000.0), "10"),
    user("restrict_nonsystem_relation_kind", List { quoted: false }, ""),
    user("role", Text, "none"),
    user("row_security", Bool, "on"),
    user("scram_iterations", int(Unit::None, 1, i32::MAX), "4096"),
    user("seed", real(Unit::None, -1.0, 1.0), "0"),
    user("seq_page_cost", real(Unit::None, 0.0, f64::MAX), "1"),
    user("session_authorization", Text, ""),
    superuser("session_preload_libraries", List { quoted: true }, ""),
    superuser("session_replication_role", words(&["origin", "replica", "local"]), "origin"),
    user("standard_conforming_strings", Bool, "on"),
    user("statement_timeout", int(Unit::Milliseconds, 0, i32::MAX), "0"),
    user("stats_fetch_consistency", words(&["none", "cache", "snapshot"]), "cache"),
    user("synchronize_seqscans", Bool, "on"),
    user("synchronous_commit", aliased(&["local", "remote_write", "remote_apply", "on", "off"], SWITCH), "on"),
    user("tcp_keepalives_count", int(Unit::None, 0, i32::MAX), "0"),
    user("tcp_keepalives_idle", int(Unit::Seconds, 0, i32::MAX), "0"),
    user("tcp_keepalives_interval", int(Unit::Seconds, 0, i32::MAX), "0"),
    user("tcp_user_timeout", int(Unit::Milliseconds, 0, i32::MAX), "0"),
    user("temp_buffers", int(Unit::Blocks, 100, 1_073_741_823), "1024"),
    superuser("temp_file_limit", int(Unit::Kilobytes, -1, i32::MAX), "-1"),
    user("temp_tablespaces", List { quoted: true }, ""),
    user("timezone_abbreviations", Text, ""),
    user("trace_notify", Bool, "off"),
    user("trace_sort", Bool, "off"),
    superuser("track_activities", Bool, "on"),
    since(18, superuser("track_cost_delay_timing", Bool, "off")),
    superuser("track_counts", Bool, "on"),
    superuser("track_functions", words(&["none", "pl", "all"]), "none"),
    superuser("track_io_timing", Bool, "off"),
    superuser("track_wal_io_timing", Bool, "off"),
    user("transaction_deferrable", Bool, "off"),
    user("transaction_isolation", words(LEVELS), "read committed"),
    user("transaction_read_only", Bool, "off"),
    since(17, user("transaction_timeout", int(Unit::Milliseconds, 0, i32::MAX), "0")),
    user("transform_null_equals", Bool, "off"),
    superuser("update_process_title", Bool, "on"),
    user("vacuum_buffer_usage_limit", int(Unit::Kilobytes, 0, 16_777_216), "2048"),
    user("vacuum_cost_delay", real(Unit::Milliseconds, 0.0, 100.0), "0"),
    user("vacuum_cost_limit", int(Unit::None, 1, 10000), "200"),
    user("vacuum_cost_page_dirty", int(Unit::None, 0, 10000), "20"),
    user("vacuum_cost_page_hit", int(Unit::None, 0, 10000), "1"),
    user("vacuum_cost_page_miss", int(Unit::None, 0, 10000), "2"),
    user("vacuum_failsafe_age", int(Unit::None, 0, 2_100_000_000), "1600000000"),
    user("vacuum_freeze_min_age", int(Unit::None, 0, 1_000_000_000), "50000000"),
    user("vacuum_freeze_table_age", int(Unit::None, 0, 2_000_000_000), "150000000"),
    since(18, user("vacuum_max_eager_freeze_failure_rate", real(Unit::None, 0.0, 1.0), "0.03")),
    user("vacuum_multixact_failsafe_age", int(Unit::None, 0, 2_100_000_000), "1600000000"),
    user("vacuum_multixact_freeze_min_age", int(Unit::None, 0, 1_000_000_000), "5000000"),
    user("vacuum_multixact_freeze_table_age", int(Unit::None, 0, 2_000_000_000), "150000000"),
    since(18, user("vacuum_truncate", Bool, "on")),
    superuser("wal_compression", aliased(&["pglz", "lz4", "zstd", "on", "off"], COMPRESSION), "off"),
    superuser("wal_consistency_checking", List { quoted: false }, ""),
    superuser("wal_init_zero", Bool, "on"),
    superuser("wal_recycle", Bool, "on"),
    user("wal_sender_timeout", int(Unit::Milliseconds, 0, i32::MAX), "60000"),
    user("wal_skip_threshold", int(Unit::Kilobytes, 0, i32::MAX), "2048"),
    user("work_mem", int(Unit::Kilobytes, 64, i32::MAX), "4096"),
    user("xmlbinary", words(&["base64", "hex"]), "base64"),
    user("xmloption", words(&["content", "document"]), "content"),
    superuser("zero_damaged_pages", Bool, "off"),
];
