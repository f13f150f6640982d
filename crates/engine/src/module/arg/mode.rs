//! A file mode: octal digits, or symbols as chmod(1) takes them.

use serde_json::Value as Json;

use super::{Argument, Given};

/// A file mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Permission bits, 0 to 0o7777.
    Bits(u32),
    /// Such as `u+x,go-w`, applied to the bits that are there.
    Symbols(String),
    /// The bits of the source.
    Preserve,
}

impl Mode {
    /// The bits that it makes of the bits that are there.
    pub fn of(&self, bits: u32, directory: bool) -> u32 {
        match self {
            Self::Bits(bits) => *bits,
            Self::Symbols(symbols) => {
                symbols.split(',').fold(bits, |bits, clause| apply(clause, bits, directory).unwrap_or(bits))
            }
            Self::Preserve => bits,
        }
    }
}

/// Applies one clause such as `u+rwX`; `None` if it is no clause.
fn apply(clause: &str, bits: u32, directory: bool) -> Option<u32> {
    let operator = clause.find(['+', '-', '='])?;
    let (who, rest) = clause.split_at(operator);
    let who = if who.is_empty() || who.contains('a') { "ugo" } else { who };
    let (operator, permissions) = rest.split_at(1);
    let mut mask = 0;
    let mut set = 0;
    for class in who.chars() {
        let (shift, special) = match class {
            'u' => (6, 0o4000),
            'g' => (3, 0o2000),
            'o' => (0, 0),
            _ => return None,
        };
        mask |= 0o7 << shift | special;
        for permission in permissions.chars() {
            set |= match permission {
                'r' => 0o4 << shift,
                'w' => 0o2 << shift,
                'x' => 0o1 << shift,
                'X' if directory || bits & 0o111 != 0 => 0o1 << shift,
                'X' => 0,
                's' => special,
                't' => 0o1000,
                'u' => (bits >> 6 & 0o7) << shift,
                'g' => (bits >> 3 & 0o7) << shift,
                'o' => (bits & 0o7) << shift,
                _ => return None,
            };
        }
    }
    match operator {
        "+" => Some(bits | set),
        "-" => Some(bits & !set),
        _ => Some(bits & !mask | set),
    }
}

impl Argument for Mode {
    fn kind() -> String {
        "a mode such as '0644' or u+x".to_owned()
    }

    fn read(given: Given<'_>) -> Result<Self, String> {
        match given.value {
            Json::Number(number) => match (given.written, number.as_u64().and_then(|bits| u32::try_from(bits).ok())) {
                (None, Some(bits)) if bits <= 0o7777 => Ok(Self::Bits(bits)),
                _ => Err(format!("{number} is a decimal number; quote it with a leading zero: '0{number}'")),
            },
            Json::String(text) if text == "preserve" => Ok(Self::Preserve),
            Json::String(text) if text.starts_with(|c: char| c.is_ascii_digit()) => {
                let digits = text.trim_start_matches("0o");
                match u32::from_str_radix(digits, 8) {
                    Ok(bits) if bits <= 0o7777 => Ok(Self::Bits(bits)),
                    _ => Err(format!("`{text}` is no octal mode")),
                }
            }
            Json::String(text) if text.split(',').all(|clause| apply(clause, 0, false).is_some()) => {
                Ok(Self::Symbols(text.clone()))
            }
            other => Err(format!("{other} is not {}", Self::kind())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &Json, written: Option<&str>) -> Result<Mode, String> {
        Mode::read(Given { value, written })
    }

    #[test]
    fn octal_text_is_bits_and_a_bare_number_is_refused() {
        assert_eq!(read(&"0644".into(), Some("0644")), Ok(Mode::Bits(0o644)));
        assert_eq!(read(&420.into(), None), Ok(Mode::Bits(0o644)));
        assert!(read(&644.into(), Some("644")).unwrap_err().contains("'0644'"));
        assert!(read(&"0999".into(), None).is_err());
    }

    #[test]
    fn symbols_apply_to_what_is_there() {
        let mode = |symbols: &str| Mode::Symbols(symbols.into());
        assert_eq!(mode("u+x,go-w").of(0o666, false), 0o744);
        assert_eq!(mode("u=rwX,g=rX,o=").of(0o644, true), 0o750);
        assert_eq!(mode("a+X").of(0o644, false), 0o644);
        assert_eq!(mode("+t").of(0o777, true), 0o1777);
    }
}
