//! Lists of tasks, and blocks with what is done when one of their tasks fails.

use futures::future::{FutureExt, LocalBoxFuture};
use serde_json::json;

use super::runner::{Runner, Stop};
use super::settings::Inherited;
use super::turns::Turn;
use crate::failure::Kind;
use crate::playbook::play::{Block, Item, Play};
use crate::template::Level;

impl Runner<'_> {
    /// Runs a list in order, until the first failure. Boxed, since blocks hold lists.
    pub(super) fn items<'b>(
        &'b mut self,
        play: &'b Play,
        items: &'b [Item],
        inherited: &'b Inherited<'b>,
        turn: &'b Turn<'b>,
        section: u8,
    ) -> LocalBoxFuture<'b, Result<(), Stop>> {
        async move {
            for item in items {
                match item {
                    Item::Task(task) => {
                        let position = (section, task.index, 0);
                        turn.at(position).await;
                        self.task(play, task, inherited, turn, position).await?;
                    }
                    Item::Block(block) => self.block(play, block, inherited, turn, section).await?,
                }
            }
            Ok(())
        }
        .boxed_local()
    }

    async fn block(
        &mut self,
        play: &Play,
        block: &Block,
        inherited: &Inherited<'_>,
        turn: &Turn<'_>,
        section: u8,
    ) -> Result<(), Stop> {
        let inner = inherited.within(&block.settings, Level::Block);
        let mut result = self.items(play, &block.tasks, &inner, turn, section).await;
        if let (Err(Stop::Failed(failure)), false) = (&result, block.rescue.is_empty()) {
            // An interruption is nobody's to mend.
            if failure.kind != Kind::Interrupted {
                self.set("ansible_failed_result", json!({ "msg": failure.to_string(), "failed": true }));
                self.set("ansible_failed_task", json!({ "name": failure.what }));
                self.recap.rescued += 1;
                self.recap.failed = self.recap.failed.saturating_sub(1);
                result = self.items(play, &block.rescue, &inner, turn, section).await;
            }
        }
        if matches!(&result, Err(Stop::Failed(failure)) if failure.kind == Kind::Interrupted) {
            return result;
        }
        // `always` runs also after a failure, whose cause stays the first.
        let always = self.items(play, &block.always, &inner, turn, section).await;
        result.and(always)
    }
}
