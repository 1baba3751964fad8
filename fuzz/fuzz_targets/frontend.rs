//! Every decoder of frontend messages: any bytes give an answer.
#![no_main]

use dsql_proxy::wire::frontend::{self, Bind, Execute, Parse, Target};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(parse) = Parse::read(data) {
        assert!(parse.name.len() + parse.sql.len() + parse.types.len() <= data.len());
    }
    if let Ok(bind) = Bind::read(data) {
        assert!(bind.portal.len() + bind.statement.len() + bind.values.len() <= data.len());
    }
    Execute::read(data).ok();
    Target::read(data).ok();
    frontend::query(data).ok();
    frontend::password(data).ok();
});
