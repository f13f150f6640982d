//! Flags, lists, paths, texts and numbers.

use serde_json::Value as Json;

use super::{Argument, Given};

/// A boolean in any of Ansible's spellings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flag(pub bool);

/// A list, or one value, or values between commas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneOrMany<T>(pub Vec<T>);

/// An absolute path on the host, or one below a home directory (`~`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemotePath(pub String);

impl std::ops::Deref for RemotePath {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Argument for Flag {
    fn kind() -> String {
        "true or false".to_owned()
    }

    fn read(given: Given<'_>) -> Result<Self, String> {
        match (given.value, crate::template::truth(given.value)) {
            (Json::Bool(flag), _) => Ok(Self(*flag)),
            (Json::String(text), Some(flag)) if !text.is_empty() => Ok(Self(flag)),
            (Json::Number(number), _) if number.as_u64().is_some_and(|number| number < 2) => {
                Ok(Self(number.as_u64() == Some(1)))
            }
            (other, _) => Err(format!("{other} is not true or false")),
        }
    }
}

impl Argument for String {
    fn kind() -> String {
        "text".to_owned()
    }

    fn read(given: Given<'_>) -> Result<Self, String> {
        match (given.value, given.written) {
            (Json::Array(_), _) => Err("text is needed, not a list".to_owned()),
            (Json::Object(_), _) => Err("text is needed, not a map".to_owned()),
            (Json::Null, _) => Ok(Self::new()),
            (_, Some(written)) => Ok(written.to_owned()),
            (Json::String(text), None) => Ok(text.clone()),
            (Json::Bool(true), None) => Ok("True".to_owned()),
            (Json::Bool(false), None) => Ok("False".to_owned()),
            (Json::Number(number), None) => Ok(number.to_string()),
        }
    }
}

impl<T: Argument> Argument for OneOrMany<T> {
    fn kind() -> String {
        format!("{}, or a list of it", T::kind())
    }

    fn read(given: Given<'_>) -> Result<Self, String> {
        let one = |value: &Json| T::read(Given { value, written: None });
        match given.value {
            Json::Array(items) => items.iter().map(one).collect::<Result<_, _>>().map(Self),
            Json::String(text) => {
                let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
                words.map(|word| one(&word.into())).collect::<Result<_, _>>().map(Self)
            }
            _ => T::read(given).map(|value| Self(vec![value])),
        }
    }
}

impl Argument for RemotePath {
    fn kind() -> String {
        "an absolute path on the host".to_owned()
    }

    fn read(given: Given<'_>) -> Result<Self, String> {
        let path = String::read(given)?;
        if path.contains('\0') || path.contains('\n') {
            return Err("a path has no line breaks".to_owned());
        }
        match path.as_bytes().first() {
            Some(b'/' | b'~') => Ok(Self(path)),
            _ => Err(format!("`{path}` is not {}", Self::kind())),
        }
    }
}

macro_rules! integers {
    ($($type:ty),+) => { $(
        impl Argument for $type {
            fn kind() -> String {
                "a whole number".to_owned()
            }

            fn read(given: Given<'_>) -> Result<Self, String> {
                let text = String::read(given)?;
                text.trim().parse().map_err(|_| format!("`{text}` is not {}", Self::kind()))
            }
        }
    )+ };
}
integers!(u16, u32, u64, i64);

impl Argument for Json {
    fn kind() -> String {
        "any value".to_owned()
    }

    fn read(given: Given<'_>) -> Result<Self, String> {
        Ok(given.value.clone())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read<T: Argument>(value: &Json) -> Result<T, String> {
        T::read(Given { value, written: None })
    }

    #[test]
    fn what_was_written_stays() {
        let given = Given { value: &json!(false), written: Some("no") };
        assert_eq!(String::read(given), Ok("no".to_owned()));
        assert_eq!(Flag::read(given), Ok(Flag(false)));
    }

    #[test]
    fn flags_have_many_spellings() {
        assert_eq!(read(&json!("Yes")), Ok(Flag(true)));
        assert_eq!(read(&json!(0)), Ok(Flag(false)));
        assert!(read::<Flag>(&json!("perhaps")).is_err());
    }

    #[test]
    fn one_value_is_a_list() {
        assert_eq!(read(&json!("a, b")), Ok(OneOrMany(vec!["a".to_owned(), "b".to_owned()])));
        assert_eq!(read(&json!(["a"])), Ok(OneOrMany(vec!["a".to_owned()])));
        assert_eq!(read(&json!(7)), Ok(OneOrMany(vec![7_u32])));
    }
}
