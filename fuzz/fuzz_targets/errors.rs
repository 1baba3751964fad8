//! Errors: what is understood can be sent on, and is then the same.
#![no_main]

use bytes::BytesMut;
use dsql_proxy::wire::ErrorFields;
use dsql_proxy::wire::frame::HEADER;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(fields) = ErrorFields::read(data) else { return };
    let response = fields.to_response();
    let mut out = BytesMut::new();
    response.encode(&mut out);
    let again = ErrorFields::read(&out[HEADER..]).expect("we can read what we write");
    assert_eq!(again.to_response(), response);
});
