//! Every decoder of backend messages: any bytes give an answer.
#![no_main]

use dsql_proxy::wire::backend::{
    self, Authentication, BackendKeyData, ParameterStatus, TransactionStatus,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    Authentication::read(data).ok();
    TransactionStatus::read(data).ok();
    backend::command_tag(data).ok();
    if let Ok(status) = ParameterStatus::read(data) {
        assert!(status.name.len() + status.value.len() < data.len());
    }
    if let Ok(key) = BackendKeyData::read(data) {
        assert!((4..=256).contains(&key.secret.len()));
    }
});
