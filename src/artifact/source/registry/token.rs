//! Asks for an anonymous token where a registry wants one.
//!
//! See <https://distribution.github.io/distribution/spec/auth/token/>.

use engine::failure::{Failure, Result};
use reqwest::header::WWW_AUTHENTICATE;
use serde::Deserialize;

#[derive(Deserialize)]
struct Answer {
    #[serde(alias = "access_token")]
    token: String,
}

/// Returns the token for an address, or nothing where none is wanted.
pub async fn ask(client: &reqwest::Client, address: &str) -> Result<Option<String>> {
    let wrong = |error: reqwest::Error| Failure::other(format!("cannot ask {address}")).because(&error);
    let response = client.head(address).send().await.map_err(wrong)?;
    if response.status() != reqwest::StatusCode::UNAUTHORIZED {
        return Ok(None);
    }
    let challenge = response.headers().get(WWW_AUTHENTICATE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let Some(url) = token_address(challenge) else {
        return Err(Failure::refused(format!("{address} wants credentials, and seedbed only pulls what is public")));
    };
    let answer = client.get(&url).send().await.and_then(reqwest::Response::error_for_status).map_err(wrong)?;
    let answer: Answer = answer.json().await.map_err(wrong)?;
    Ok(Some(answer.token))
}

/// Makes the token's address out of `Bearer realm="...",service="...",scope="..."`.
fn token_address(challenge: &str) -> Option<String> {
    let mut realm = None;
    let mut pairs = Vec::new();
    for part in challenge.strip_prefix("Bearer ")?.split("\",") {
        let (name, value) = part.trim().split_once("=\"")?;
        let value = value.trim_end_matches('"');
        if name == "realm" { realm = Some(value) } else { pairs.push((name, value)) }
    }
    url::Url::parse_with_params(realm?, pairs).ok().map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_becomes_an_address() {
        let challenge = r#"Bearer realm="https://ghcr.io/token",service="ghcr.io",scope="repository:a/b:pull""#;
        let address = token_address(challenge).unwrap();
        assert_eq!(address, "https://ghcr.io/token?service=ghcr.io&scope=repository%3Aa%2Fb%3Apull");
        assert_eq!(token_address("Basic realm=\"x\""), None);
    }
}
