//! The name that was probably meant.

/// The known name nearest to one that is not known, if any is near enough to be meant.
pub fn name<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(wrong, name), name))
        .filter(|(distance, name)| *distance <= 1 + name.len().min(wrong.len()) / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_is_near_or_none() {
        let known = ["become", "block", "register"];
        assert_eq!(super::name("regsiter", known), Some("register"));
        assert_eq!(super::name("become_", known), Some("become"));
        assert_eq!(super::name("when", known), None);
    }
}
