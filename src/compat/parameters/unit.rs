//! Units of parameters (PostgreSQL manual §20.1.1; the unit tables of `guc.c`, PostgreSQL 16).

/// The unit in which a parameter counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// None: a plain number.
    None,
    /// Bytes.
    Bytes,
    /// 1,024 bytes.
    Kilobytes,
    /// 1,048,576 bytes.
    Megabytes,
    /// Blocks of 8,192 bytes.
    Blocks,
    /// Milliseconds.
    Milliseconds,
    /// Seconds.
    Seconds,
    /// Minutes.
    Minutes,
}

/// Units of memory that a value may have, in bytes, the largest first.
const MEMORY: &[(&str, f64)] = &[
    ("TB", 1_099_511_627_776.0),
    ("GB", 1_073_741_824.0),
    ("MB", 1_048_576.0),
    ("kB", 1_024.0),
    ("B", 1.0),
];

/// Units of time that a value may have, in microseconds, the largest first.
const TIME: &[(&str, f64)] = &[
    ("d", 86_400_000_000.0),
    ("h", 3_600_000_000.0),
    ("min", 60_000_000.0),
    ("s", 1_000_000.0),
    ("ms", 1_000.0),
    ("us", 1.0),
];

impl Unit {
    /// As messages name it; empty for none.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Bytes => "B",
            Self::Kilobytes => "kB",
            Self::Megabytes => "MB",
            Self::Blocks => "8kB",
            Self::Milliseconds => "ms",
            Self::Seconds => "s",
            Self::Minutes => "min",
        }
    }

    /// The units that a value may have, and how many of theirs this one is.
    fn family(self) -> (&'static [(&'static str, f64)], f64) {
        match self {
            Self::None => (&[], 1.0),
            Self::Bytes => (MEMORY, 1.0),
            Self::Kilobytes => (MEMORY, 1_024.0),
            Self::Megabytes => (MEMORY, 1_048_576.0),
            Self::Blocks => (MEMORY, 8_192.0),
            Self::Milliseconds => (TIME, 1_000.0),
            Self::Seconds => (TIME, 1_000_000.0),
            Self::Minutes => (TIME, 60_000_000.0),
        }
    }

    /// The units as names and multiples of this one, the largest first.
    fn multiples(self) -> impl Iterator<Item = (&'static str, f64)> {
        let (family, own) = self.family();
        family.iter().map(move |(name, size)| (*name, size / own))
    }

    /// The HINT for a unit that there is not; none for a parameter without units.
    pub(super) fn hint(self) -> Option<&'static str> {
        let (family, _) = self.family();
        match family.first() {
            Some(("d", _)) => Some(
                "Valid units for this parameter are \"us\", \"ms\", \"s\", \"min\", \"h\", and \
                 \"d\".",
            ),
            Some(_) => Some(
                "Valid units for this parameter are \"B\", \"kB\", \"MB\", \"GB\", and \"TB\".",
            ),
            None => None,
        }
    }

    /// `value` of the unit that `written` names, in this unit (`convert_to_base_unit`).
    pub(super) fn convert(self, value: f64, written: &str) -> Option<f64> {
        let written = written.trim_end_matches(super::number::is_space);
        let mut multiples = self.multiples().skip_while(|(name, _)| *name != written);
        let (_, multiple) = multiples.next()?;
        let value = value * multiple;
        // A fraction is rounded to a multiple of the next smaller unit.
        Some(match multiples.next() {
            Some((_, smaller)) => (value / smaller).round_ties_even() * smaller,
            None => value,
        })
    }

    /// A whole number as SHOW has it: in the largest unit that leaves no rest
    /// (`convert_int_from_base_unit`).
    pub(super) fn show_int(self, value: i32) -> String {
        let wide = f64::from(value);
        let multiple = (value > 0)
            .then(|| {
                self.multiples()
                    .find(|(_, multiple)| *multiple <= 1.0 || wide % multiple == 0.0)
            })
            .flatten();
        match multiple {
            Some((name, multiple)) => format!("{:.0}{name}", (wide / multiple).round_ties_even()),
            None => value.to_string(),
        }
    }

    /// A number as SHOW has it: in the largest unit in which it is whole, or in the smallest
    /// (`convert_real_from_base_unit`).
    pub(super) fn show_real(self, value: f64) -> String {
        if value <= 0.0 {
            return super::number::general(value);
        }
        let mut shown = (value, "");
        for (name, multiple) in self.multiples() {
            let number = value / multiple;
            shown = (number, name);
            if number > 0.0 && (number.round_ties_even() / number - 1.0).abs() <= 1e-8 {
                break;
            }
        }
        format!("{}{}", super::number::general(shown.0), shown.1)
    }
}
