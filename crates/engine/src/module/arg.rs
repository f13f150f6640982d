//! The types of parameters, with Ansible's coercions.

mod mode;
mod values;

use serde_json::Value as Json;

use crate::failure::{Failure, Result};
use crate::place::Place;

pub use mode::Mode;
pub use values::{Flag, OneOrMany, RemotePath};

/// A value on its way into a parameter.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    pub value: &'a Json,
    /// What was written, where it was no template: text gets `1.30` and `no` as they stand.
    pub written: Option<&'a str>,
}

/// A type that a parameter can have.
pub trait Argument: Sized {
    /// Whether it may be left out.
    const OPTIONAL: bool = false;

    /// What it is called in messages and documentation, such as `text` or `one of a, b`.
    fn kind() -> String;

    /// Reads it, or says what is wrong with it.
    fn read(given: Given<'_>) -> Result<Self, String>;

    /// What it is when it is left out.
    fn absent() -> Option<Self> {
        None
    }
}

impl<T: Argument> Argument for Option<T> {
    const OPTIONAL: bool = true;

    fn kind() -> String {
        T::kind()
    }

    fn read(given: Given<'_>) -> Result<Self, String> {
        if given.value.is_null() { Ok(None) } else { T::read(given).map(Some) }
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

/// One parameter as its module declares it.
#[derive(Debug)]
pub struct Parameter {
    pub name: &'static str,
    pub aliases: &'static [&'static str],
    pub required: bool,
    pub documentation: &'static str,
    pub kind: fn() -> String,
    /// Tries a value that needs no rendering.
    pub check: fn(Given<'_>) -> Result<(), String>,
}

impl Parameter {
    pub fn is(&self, name: &str) -> bool {
        self.name == name || self.aliases.contains(&name)
    }
}

/// A value given to a task, rendered.
#[derive(Clone, Debug)]
pub struct Entry {
    pub name: String,
    pub place: Place,
    pub value: Json,
    /// What was written, where it was no template.
    pub written: Option<String>,
}

/// What a task gives to its module, rendered.
#[derive(Clone, Debug)]
pub struct Arguments {
    /// The task's place.
    pub place: Place,
    pub entries: Vec<Entry>,
}

impl Arguments {
    /// Reads one parameter, collecting mistakes.
    pub fn take<T: Argument>(
        &self,
        parameter: &Parameter,
        default: Option<T>,
        mistakes: &mut Vec<Failure>,
    ) -> Option<T> {
        let Some(entry) = self.entries.iter().find(|entry| parameter.is(&entry.name)) else {
            let value = default.or_else(T::absent);
            if value.is_none() {
                let what = format!("the parameter `{}` is missing", parameter.name);
                mistakes.push(Failure::invalid(what).place(self.place.clone()).hint(parameter.documentation.trim()));
            }
            return value;
        };
        if let (true, Some(default)) = (entry.value.is_null(), default) {
            return Some(default);
        }
        match T::read(Given { value: &entry.value, written: entry.written.as_deref() }) {
            Ok(value) => Some(value),
            Err(wrong) => {
                let what = format!("`{}`: {wrong}", entry.name);
                mistakes.push(Failure::invalid(what).place(entry.place.clone()));
                None
            }
        }
    }
}

/// An argument struct whose parameters are known.
pub trait Declared: Sized {
    const PARAMETERS: &'static [Parameter];
    /// Whether any other name is a parameter, too.
    const ANY: bool = false;

    /// Reads all parameters; every mistake at once.
    fn read(arguments: &Arguments) -> Result<Self, Vec<Failure>>;
}

/// Declares a module's argument struct: each parameter once, as a field with its documentation,
/// its aliases in parentheses and its default after `=`. What follows `with` is no parameter: the runner fills it.
macro_rules! arguments {
    ($(#[doc = $doc:literal])* $struct:ident {
        $($(#[doc = $field_doc:literal])* $field:ident $(($($alias:literal),+))? : $type:ty $(= $default:expr)?),* $(,)?
    } $(with { $($(#[doc = $own_doc:literal])* $own:ident : $own_type:ty),* $(,)? })?) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug)]
        pub struct $struct {
            $($(#[doc = $field_doc])* pub $field: $type,)*
            $($($(#[doc = $own_doc])* pub $own: $own_type,)*)?
        }

        impl $crate::module::arg::Declared for $struct {
            const PARAMETERS: &'static [$crate::module::arg::Parameter] = &[$($crate::module::arg::Parameter {
                name: stringify!($field),
                aliases: &[$($($alias),+)?],
                required: !<$type as $crate::module::arg::Argument>::OPTIONAL
                    && arguments!(@required $($default)?),
                documentation: concat!($($field_doc),*),
                kind: <$type as $crate::module::arg::Argument>::kind,
                check: |given| <$type as $crate::module::arg::Argument>::read(given).map(drop),
            }),*];

            fn read(
                arguments: &$crate::module::arg::Arguments,
            ) -> $crate::failure::Result<Self, Vec<$crate::failure::Failure>> {
                let mut mistakes = Vec::new();
                let mut parameters = <Self as $crate::module::arg::Declared>::PARAMETERS.iter();
                $(let $field = match parameters.next() {
                    Some(parameter) => {
                        arguments.take::<$type>(parameter, arguments!(@default $($default)?), &mut mistakes)
                    }
                    None => None,
                };)*
                match ($($field,)*) {
                    ($(Some($field),)*) if mistakes.is_empty() => {
                        Ok(Self { $($field,)* $($($own: Default::default(),)*)? })
                    }
                    _ => Err(mistakes),
                }
            }
        }
    };
    (@required) => { true };
    (@required $default:expr) => { false };
    (@default) => { None };
    (@default $default:expr) => { Some($default) };
}
pub(crate) use arguments;

/// Declares the values that a parameter may have, each with the words that stand for it.
macro_rules! choice {
    ($(#[doc = $doc:literal])* $enum:ident { $($(#[doc = $variant_doc:literal])* $variant:ident = $word:literal $(| $alias:literal)*),+ $(,)? }) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $enum {
            $($(#[doc = $variant_doc])* $variant,)+
        }

        impl $crate::module::arg::Argument for $enum {
            fn kind() -> String {
                concat!("one of ", $($word, ", "),+).trim_end_matches(", ").to_owned()
            }

            fn read(given: $crate::module::arg::Given<'_>) -> Result<Self, String> {
                let text = <String as $crate::module::arg::Argument>::read(given)?;
                match text.as_str() {
                    $($word $(| $alias)* => Ok(Self::$variant),)+
                    other => Err(format!("`{other}` is not {}", Self::kind())),
                }
            }
        }
    };
}
pub(crate) use choice;
