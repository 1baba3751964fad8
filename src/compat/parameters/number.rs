//! Numbers as C's `strtol`, `strtod` and `%g` have them.

/// Whitespace as C's `isspace` has it.
pub(super) fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c')
}

/// Why a text does not begin with a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoNumber;

/// The number that `text` begins with, whole or not, and what follows it: `parse_int` of `guc.c`
/// up to the unit. Hexadecimal and octal numbers are whole.
pub(super) fn whole_or_real(text: &str) -> Result<(f64, &str), NoNumber> {
    match whole(text) {
        Some((number, rest)) if !rest.starts_with(['.', 'e', 'E']) => Ok((number, rest)),
        None if !text
            .trim_start_matches(is_space)
            .starts_with(['.', '+', '-', '0'])
            && !text
                .trim_start_matches(is_space)
                .starts_with(|c: char| c.is_ascii_digit()) =>
        {
            Err(NoNumber)
        }
        _ => real(text),
    }
}

/// `strtol` with base 0; `None` where there is no number, or none in 64 bits.
#[expect(
    clippy::cast_precision_loss,
    reason = "as PostgreSQL, which goes on with a double"
)]
fn whole(text: &str) -> Option<(f64, &str)> {
    let unspaced = text.trim_start_matches(is_space);
    let (negative, digits) = sign(unspaced);
    let hexadecimal = digits
        .strip_prefix("0x")
        .or_else(|| digits.strip_prefix("0X"))
        .filter(|rest| rest.starts_with(|c: char| c.is_ascii_hexdigit()));
    let (radix, digits) = match hexadecimal {
        Some(rest) => (16, rest),
        None if digits.starts_with('0') => (8, digits),
        None => (10, digits),
    };
    let end = digits
        .find(|c: char| !c.is_digit(radix))
        .unwrap_or(digits.len());
    let (digits, rest) = digits.split_at_checked(end)?;
    let number = i64::from_str_radix(digits, radix).ok()? as f64;
    Some((if negative { -number } else { number }, rest))
}

/// The number that `text` begins with, and what follows it: `strtod`, hexadecimal fractions and
/// NaN left out.
pub(super) fn real(text: &str) -> Result<(f64, &str), NoNumber> {
    let unspaced = text.trim_start_matches(is_space);
    let (_, unsigned) = sign(unspaced);
    let signs = unspaced.len() - unsigned.len();
    let digits = |text: &str| {
        text.find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len())
    };
    let after = |at: usize| unsigned.get(at..).unwrap_or_default();
    let before = digits(unsigned);
    let mut end = before;
    let mut fraction = 0;
    if after(end).starts_with('.') {
        fraction = digits(after(end + 1));
        end += 1 + fraction;
    }
    if before + fraction == 0 {
        return Err(NoNumber);
    }
    if after(end).starts_with(['e', 'E']) {
        let exponent = sign(after(end + 1)).1;
        let count = digits(exponent);
        if count > 0 {
            end = unsigned.len() - exponent.len() + count;
        }
    }
    let (number, rest) = unspaced.split_at_checked(signs + end).ok_or(NoNumber)?;
    let value: f64 = number.parse().map_err(|_| NoNumber)?;
    if value.is_finite() {
        Ok((value, rest))
    } else {
        Err(NoNumber)
    }
}

fn sign(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

/// `%g`: six significant digits.
pub(super) fn general(number: f64) -> String {
    let scientific = format!("{number:.5e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let decimals = usize::try_from(5 - exponent).ok();
    match decimals.filter(|_| exponent >= -4) {
        Some(decimals) => trimmed(&format!("{number:.decimals$}")).to_owned(),
        None => format!(
            "{}e{}{:02}",
            trimmed(mantissa),
            if exponent < 0 { '-' } else { '+' },
            exponent.abs()
        ),
    }
}

/// Without zeros at the end of the fraction.
fn trimmed(number: &str) -> &str {
    if number.contains('.') {
        number.trim_end_matches('0').trim_end_matches('.')
    } else {
        number
    }
}

#[cfg(test)]
mod tests {
    use super::{general, real, whole_or_real};

    #[test]
    fn numbers() {
        for (text, expected) in [
            ("5", Some((5.0, ""))),
            (" -5 s", Some((-5.0, " s"))),
            ("0x10kB", Some((16.0, "kB"))),
            ("010", Some((8.0, ""))),
            ("08", Some((0.0, "8"))),
            ("1.5s", Some((1.5, "s"))),
            (".5", Some((0.5, ""))),
            ("0.5min", Some((0.5, "min"))),
            ("1e3", Some((1000.0, ""))),
            ("1e", Some((1.0, "e"))),
            ("99999999999999999999", Some((1e20, ""))),
            ("", None),
            ("abc", None),
            ("-", None),
            (".", None),
            ("1e999", None),
        ] {
            assert_eq!(whole_or_real(text).ok(), expected, "{text}");
        }
        assert_eq!(real("0.25x"), Ok((0.25, "x")));
        assert_eq!(real("1e-2"), Ok((0.01, "")));
    }

    #[test]
    fn six_digits() {
        for (number, shown) in [
            (0.0, "0"),
            (4.0, "4"),
            (-1.0, "-1"),
            (0.333_333_333, "0.333333"),
            (100_000.0, "100000"),
            (1e6, "1e+06"),
            (1e10, "1e+10"),
            (0.0001, "0.0001"),
            (0.000_01, "1e-05"),
            (f64::MAX, "1.79769e+308"),
            (999_999.9, "1e+06"),
        ] {
            assert_eq!(general(number), shown);
        }
    }
}
