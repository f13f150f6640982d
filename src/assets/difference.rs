//! How the user's files differ from the embedded ones.

use engine::failure::{Failure, Result};
use similar::TextDiff;

use super::{Asset, Assets};

impl Assets {
    /// A unified diff from the embedded files to those that stand in for them; of all, or of the named ones.
    pub fn diff(&self, wanted: &[String]) -> Result<String> {
        let mut text = String::new();
        for name in wanted {
            // An unknown name is a mistake, not an empty diff.
            Self::embedded().read(name)?;
        }
        for (name, _) in self.overrides() {
            if wanted.is_empty() || wanted.iter().any(|one| one == name) {
                text += &unified(&Self::embedded().read(name)?, &self.read(name)?)?;
            }
        }
        Ok(text)
    }
}

fn unified(ours: &Asset, theirs: &Asset) -> Result<String> {
    let (Ok(old), Ok(new)) = (ours.text(), theirs.text()) else {
        return Err(Failure::invalid(format!("{} is no text: it cannot be compared", theirs.origin)));
    };
    let diff = TextDiff::from_lines(old, new);
    Ok(diff.unified_diff().header(&ours.origin.to_string(), &theirs.origin.to_string()).to_string())
}
