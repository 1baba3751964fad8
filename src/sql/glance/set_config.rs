//! The arguments of `set_config(name, value, is_local)`.

use super::statement::{is_hidden, mentions_temporary_schema, of_parameter};
use super::traits::Traits;
use crate::sql::cursor::Cursor;
use crate::sql::lexer::{StringForm, TokenKind};

/// Tokens of the arguments that are looked at. What is longer may be anything.
const LOOK: usize = 64;

/// What a call of `set_config` may do whose opening parenthesis `arguments` stands behind.
pub(super) fn traits(mut arguments: Cursor<'_>, text: &[u8]) -> Traits {
    let name = name(&mut arguments);
    let local = is_local(&mut arguments);
    let mut traits = Traits::LOCAL_PARAMETERS;
    if !local {
        traits |= Traits::PARAMETERS;
    }
    if let Some(name) = name {
        traits |= of_parameter(&name);
        if !local && is_hidden(&name) {
            traits |= Traits::HIDDEN_PARAMETERS;
        }
    } else if !local {
        traits |= Traits::HIDDEN_PARAMETERS;
    }
    if mentions_temporary_schema(text) {
        traits |= Traits::TEMPORARY_OBJECT;
    }
    traits
}

/// The first argument in lower case, if it is a plain string constant.
fn name(arguments: &mut Cursor<'_>) -> Option<String> {
    let first = arguments.next()?;
    let comma = arguments.peek()?;
    if first.kind != TokenKind::String(StringForm::Standard)
        || comma.kind != TokenKind::Punctuation(b',')
    {
        return None;
    }
    let name = std::str::from_utf8(arguments.bytes(first)).ok()?;
    let name = name.strip_prefix('\'')?.strip_suffix('\'')?;
    (!name.contains('\'')).then(|| name.to_ascii_lowercase())
}

/// Whether the third argument is the constant `true`. The cursor stands within the first or
/// before the comma behind it.
fn is_local(arguments: &mut Cursor<'_>) -> bool {
    let mut commas = 0;
    let mut depth = 0_usize;
    for _ in 0..LOOK {
        let Some(token) = arguments.next() else {
            return false;
        };
        match token.kind {
            TokenKind::Punctuation(b'(' | b'[') => depth += 1,
            TokenKind::Punctuation(b')' | b']') if depth == 0 => return false,
            TokenKind::Punctuation(b')' | b']') => depth -= 1,
            TokenKind::Punctuation(b',') if depth == 0 => {
                commas += 1;
                if commas == 2 {
                    return arguments.take_word("true")
                        && arguments
                            .next()
                            .is_some_and(|token| token.kind == TokenKind::Punctuation(b')'));
                }
            }
            _ => {}
        }
    }
    false
}
