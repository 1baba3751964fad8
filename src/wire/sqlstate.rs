//! The SQLSTATEs that we send ourselves or look for.

use std::fmt;

/// Five characters that say what kind of error it is (PostgreSQL manual, appendix
/// "PostgreSQL Error Codes").
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SqlState([u8; 5]);

macro_rules! states {
    ($($(#[$doc:meta])* $name:ident = $code:literal;)*) => {
        impl SqlState {
            $($(#[$doc])* pub const $name: Self = Self(*$code);)*
        }
    };
}

states! {
    /// `successful_completion`, which notices carry
    SUCCESS = b"00000";
    /// `warning`
    WARNING = b"01000";
    /// `feature_not_supported`
    FEATURE_NOT_SUPPORTED = b"0A000";
    /// `sqlclient_unable_to_establish_sqlconnection`
    CANNOT_CONNECT = b"08001";
    /// `connection_failure`
    CONNECTION_FAILURE = b"08006";
    /// `transaction_resolution_unknown`
    OUTCOME_UNKNOWN = b"08007";
    /// `protocol_violation`
    PROTOCOL_VIOLATION = b"08P01";
    /// `invalid_authorization_specification`
    INVALID_AUTHORIZATION = b"28000";
    /// `invalid_sql_statement_name`
    INVALID_STATEMENT_NAME = b"26000";
    /// `duplicate_prepared_statement`
    DUPLICATE_STATEMENT = b"42P05";
    /// `insufficient_privilege`
    INSUFFICIENT_PRIVILEGE = b"42501";
    /// `undefined_object`
    UNDEFINED_OBJECT = b"42704";
    /// `unique_violation`
    UNIQUE_VIOLATION = b"23505";
    /// `numeric_value_out_of_range`
    NUMERIC_VALUE_OUT_OF_RANGE = b"22003";
    /// `invalid_text_representation`
    INVALID_TEXT_REPRESENTATION = b"22P02";
    /// `lock_not_available`
    LOCK_NOT_AVAILABLE = b"55P03";
    /// `invalid_cursor_name`
    INVALID_CURSOR_NAME = b"34000";
    /// `not_null_violation`
    NOT_NULL_VIOLATION = b"23502";
    /// `duplicate_table`
    DUPLICATE_TABLE = b"42P07";
    /// `check_violation`
    CHECK_VIOLATION = b"23514";
    /// `foreign_key_violation`
    FOREIGN_KEY_VIOLATION = b"23503";
    /// `invalid_name`
    INVALID_NAME = b"42602";
    /// `undefined_column`
    UNDEFINED_COLUMN = b"42703";
    /// `object_not_in_prerequisite_state`
    OBJECT_NOT_IN_PREREQUISITE_STATE = b"55000";
    /// `cant_change_runtime_param`
    CANNOT_CHANGE_PARAMETER = b"55P02";
    /// `invalid_catalog_name`
    INVALID_CATALOG_NAME = b"3D000";
    /// `null_value_not_allowed`
    NULL_VALUE_NOT_ALLOWED = b"22004";
    /// `invalid_parameter_value`
    INVALID_PARAMETER_VALUE = b"22023";
    /// `active_sql_transaction`
    ACTIVE_TRANSACTION = b"25001";
    /// `no_active_sql_transaction`
    NO_ACTIVE_TRANSACTION = b"25P01";
    /// `in_failed_sql_transaction`
    IN_FAILED_TRANSACTION = b"25P02";
    /// `serialization_failure`; DSQL's OCC conflicts
    SERIALIZATION_FAILURE = b"40001";
    /// `deadlock_detected`
    DEADLOCK_DETECTED = b"40P01";
    /// `out_of_memory`
    OUT_OF_MEMORY = b"53200";
    /// `too_many_connections`
    TOO_MANY_CONNECTIONS = b"53300";
    /// `configuration_limit_exceeded`; DSQL's connection rate
    RATE_EXCEEDED = b"53400";
    /// `program_limit_exceeded`
    LIMIT_EXCEEDED = b"54000";
    /// `query_canceled`
    QUERY_CANCELED = b"57014";
    /// `admin_shutdown`
    ADMIN_SHUTDOWN = b"57P01";
    /// `cannot_connect_now`
    CANNOT_CONNECT_NOW = b"57P03";
    /// `internal_error`
    INTERNAL_ERROR = b"XX000";
}

impl SqlState {
    /// The SQLSTATE of five bytes from a message, if they can be one: digits and upper-case
    /// letters.
    pub fn parse(code: &[u8]) -> Option<Self> {
        let code: [u8; 5] = code.try_into().ok()?;
        code.iter()
            .all(|c| c.is_ascii_digit() || c.is_ascii_uppercase())
            .then_some(Self(code))
    }

    /// The five characters.
    pub fn as_str(&self) -> &str {
        // Only ASCII gets in.
        std::str::from_utf8(&self.0).unwrap_or("XX000")
    }
}

impl fmt::Display for SqlState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for SqlState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
