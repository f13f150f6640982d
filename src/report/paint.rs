//! Colour, or none.

/// Whether text is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    Always,
    Never,
}

impl Paint {
    /// As `--color`, `NO_COLOR` (<https://no-color.org>) and the terminal say.
    pub fn choose(color: super::Color, stream: &impl std::io::IsTerminal) -> Self {
        use super::Color;
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        match color {
            Color::Always => Self::Always,
            Color::Auto if stream.is_terminal() && !refused => Self::Always,
            Color::Auto | Color::Never => Self::Never,
        }
    }

    /// For what goes to stderr.
    pub fn for_stderr(color: super::Color) -> Self {
        Self::choose(color, &std::io::stderr())
    }

    /// For what goes to stdout.
    pub fn for_stdout(color: super::Color) -> Self {
        Self::choose(color, &std::io::stdout())
    }

    pub fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    pub fn dim(self, text: &str) -> String {
        self.with("2", text)
    }

    pub fn red(self, text: &str) -> String {
        self.with("1;31", text)
    }

    pub fn green(self, text: &str) -> String {
        self.with("32", text)
    }

    pub fn yellow(self, text: &str) -> String {
        self.with("33", text)
    }

    pub fn cyan(self, text: &str) -> String {
        self.with("36", text)
    }

    fn with(self, code: &str, text: &str) -> String {
        match self {
            Self::Always => format!("\x1b[{code}m{text}\x1b[0m"),
            Self::Never => text.to_owned(),
        }
    }
}
