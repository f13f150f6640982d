//! What one path makes and others wait for.

use engine::failure::{Failure, Result};
use tokio::sync::SetOnce;
use tokio_util::sync::CancellationToken;

/// A value of the whole cluster, made once by one path and awaited by the others.
///
/// Should its maker fail, the token ends the wait; the maker's own failure is what is reported.
#[derive(Debug)]
pub struct Promise<T>(SetOnce<T>);

impl<T> Default for Promise<T> {
    fn default() -> Self {
        Self(SetOnce::new())
    }
}

impl<T> Promise<T> {
    /// Keeps it, and wakes everyone who waits.
    pub fn keep(&self, value: T) {
        // Only one path makes it; a second value would be the same one.
        let _ = self.0.set(value);
    }

    /// Waits until it is kept, or until the token is cancelled.
    pub async fn wait(&self, token: &CancellationToken) -> Result<&T> {
        tokio::select! {
            value = self.0.wait() => Ok(value),
            () = token.cancelled() => Err(Failure::interrupted()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn everyone_who_waits_gets_it() {
        let promise = Promise::default();
        let token = CancellationToken::new();
        let (a, b, ()) = tokio::join!(promise.wait(&token), promise.wait(&token), async { promise.keep(7) });
        assert_eq!((a, b), (Ok(&7), Ok(&7)));
    }

    #[tokio::test]
    async fn a_cancelled_token_ends_the_wait() {
        let promise = Promise::<()>::default();
        let token = CancellationToken::new();
        token.cancel();
        assert_eq!(promise.wait(&token).await, Err(Failure::interrupted()));
    }
}
