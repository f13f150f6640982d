//! What a failure elsewhere does not cut.

use tokio::sync::watch;

/// Counts work under way of which the half is worth nothing: the next run would undo it and begin again.
///
/// When another path fails, such work comes to its end first. The user's interruption cuts it all the same.
#[derive(Debug, Default)]
pub struct Uncut(watch::Sender<usize>);

/// Such work, until it is dropped.
#[derive(Debug)]
pub struct Held<'a>(&'a Uncut);

impl Uncut {
    /// Begins such work.
    #[must_use]
    pub fn begin(&self) -> Held<'_> {
        self.0.send_modify(|under_way| *under_way += 1);
        Held(self)
    }

    /// Waits until none is under way.
    pub async fn none(&self) {
        // It fails only when the sender is gone, which is here.
        let _ = self.0.subscribe().wait_for(|under_way| *under_way == 0).await;
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.0.send_modify(|under_way| *under_way -= 1);
    }
}
