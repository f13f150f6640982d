//! Reads published checksums.

/// Finds a file's SHA-256 in a checksum file: a bare digest, or lines of `DIGEST  NAME` as `sha256sum` writes them.
pub fn find(text: &str, name: &str) -> Option<String> {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let is_digest = |text: &str| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let first = lines.clone().next()?;
    if is_digest(first) {
        return Some(first.to_ascii_lowercase());
    }
    lines.find_map(|line| {
        let (digest, file) = line.split_once(char::is_whitespace)?;
        let file = file.trim().trim_start_matches('*').rsplit('/').next()?;
        (is_digest(digest) && file == name).then(|| digest.to_ascii_lowercase())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn a_bare_digest_is_taken() {
        assert_eq!(find(&format!("{DIGEST}\n"), "kubelet").as_deref(), Some(DIGEST));
    }

    #[test]
    fn the_line_of_the_file_is_found() {
        let other = "0".repeat(64);
        let text = format!("{other}  a.tgz\n{DIGEST} *./dist/b.tgz\n");
        assert_eq!(find(&text, "b.tgz").as_deref(), Some(DIGEST));
        assert_eq!(find(&text, "c.tgz"), None);
    }

    #[test]
    fn a_page_of_html_is_no_checksum() {
        assert_eq!(find("<html>not found</html>", "kubelet"), None);
    }
}
