//! The public keys of the person who makes a cluster: who loses the state directory still gets in.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

/// The agent's keys and those of `~/.ssh/id_*.pub`, without comments, in a fixed order; none is no failure.
pub async fn keys() -> Vec<String> {
    let mut keys = lines(&agent().await);
    let home = std::env::home_dir().unwrap_or_default().join(".ssh");
    for name in ["id_ed25519.pub", "id_ecdsa.pub", "id_rsa.pub"] {
        keys.extend(lines(&std::fs::read_to_string(home.join(name)).unwrap_or_default()));
    }
    keys.sort();
    keys.dedup();
    keys
}

/// What `ssh-add -L` lists, see ssh-add(1).
async fn agent() -> String {
    if std::env::var_os("SSH_AUTH_SOCK").is_none() {
        return String::new();
    }
    let listing =
        Command::new("ssh-add").arg("-L").stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true).output();
    match tokio::time::timeout(Duration::from_secs(3), listing).await {
        Ok(Ok(output)) if output.status.success() => String::from_utf8_lossy(&output.stdout).into_owned(),
        _ => String::new(),
    }
}

fn lines(text: &str) -> Vec<String> {
    let key = |line: &str| {
        let mut words = line.split_whitespace();
        let (kind, key) = (words.next()?, words.next()?);
        (kind.starts_with("ssh-") || kind.starts_with("ecdsa-")).then(|| format!("{kind} {key}"))
    };
    text.lines().filter_map(key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_lose_their_comments_and_other_lines_are_left_out() {
        let text = "The agent has no identities.\nssh-ed25519 AAAA me@home\necdsa-sha2-nistp256 BBBB\n\n";
        assert_eq!(lines(text), ["ssh-ed25519 AAAA", "ecdsa-sha2-nistp256 BBBB"]);
    }
}
