//! Integration tests, one binary.

mod settings_docs;
