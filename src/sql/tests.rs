mod kind;
mod lexer;
mod set;
mod split;

use proptest::prelude::*;

/// Bytes that are likely to be half of something.
pub(super) fn sqlish() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "'",
            "\"",
            "$",
            "$$",
            "$a$",
            "$1",
            "--",
            "/*",
            "*/",
            "\n",
            " ",
            ";",
            "(",
            ")",
            "E'",
            "U&\"",
            "U&'",
            "\\",
            "\\'",
            "''",
            ".",
            "..",
            "=",
            "+",
            "-",
            "1",
            "0x",
            "1e",
            "a",
            "é",
            "set ",
            "reset ",
            "show ",
            "session ",
            "local ",
            "transaction ",
            "time zone ",
            "to ",
            "create function ",
            "or replace ",
            "begin atomic ",
            "end",
            "case ",
            "as ",
            "default",
            "names ",
            "role ",
            "constraints ",
            "work_mem",
            "a.b",
            "from current",
        ])
        .prop_map(|piece| piece.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..3),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}
