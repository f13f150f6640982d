//! The critical path: the chain of steps that a run's length consists of.

use engine::event::StepId;
use jiff::{SignedDuration, Timestamp};

use super::tree::{StepRecord, Tree};

/// A stretch of the critical path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    pub step: StepId,
    pub from: Timestamp,
    pub to: Timestamp,
}

impl Stretch {
    pub fn length(&self) -> SignedDuration {
        self.to.duration_since(self.from)
    }
}

/// The stretches, in time's order, without gaps between the run's start and end.
///
/// Walks back from the end: what ended last, then what that waited for (`after`), or else what ended last
/// before it among its siblings, or its parent's.
pub fn path(tree: &Tree) -> Vec<Stretch> {
    let Some((start, end)) = tree.span() else { return Vec::new() };
    let roots: Vec<StepId> = tree.steps().filter(|step| step.parent.is_none()).map(|step| step.id).collect();
    let mut walk = Walk { tree, end, cursor: end, path: Vec::new() };
    let mut next = walk.last_of(&roots);
    let mut last = None;
    while let Some(step) = next {
        let leaf = walk.descend(step);
        last = Some(leaf);
        next = walk.before(leaf);
        if let Some(found) = next {
            let parent = leaf.parent.unwrap_or(leaf.id);
            walk.back(parent, walk.end_of(found));
        }
    }
    if let Some(root) = last.and(roots.first()) {
        walk.back(*root, start);
    }
    walk.path.reverse();
    merged(walk.path)
}

struct Walk<'a> {
    tree: &'a Tree,
    /// The run's end, which is that of steps without one.
    end: Timestamp,
    /// What lies after it is explained.
    cursor: Timestamp,
    path: Vec<Stretch>,
}

impl<'a> Walk<'a> {
    /// Explains the time back to `from` by a step.
    fn back(&mut self, step: StepId, from: Timestamp) {
        if from < self.cursor {
            self.path.push(Stretch { step, from, to: self.cursor });
            self.cursor = from;
        }
    }

    /// Explains a step by its last child, that one's last child and so on; answers the leaf.
    fn descend(&mut self, step: &'a StepRecord) -> &'a StepRecord {
        let mut step = step;
        while let Some(child) = self.last_of(&step.children) {
            self.back(step.id, self.end_of(child));
            step = child;
        }
        self.back(step.id, step.started);
        step
    }

    /// What had to end before a step could begin.
    fn before(&self, step: &'a StepRecord) -> Option<&'a StepRecord> {
        let mut next = Some(step);
        while let Some(step) = next {
            let parent = step.parent.and_then(|id| self.tree.get(id));
            let siblings = parent.map_or(&[][..], |parent| &parent.children);
            let found = self.last_of(&step.after).or_else(|| self.last_of(siblings));
            if found.is_some() {
                return found;
            }
            next = parent;
        }
        None
    }

    /// The step that ended last before the cursor.
    fn last_of(&self, among: &[StepId]) -> Option<&'a StepRecord> {
        let steps = among.iter().filter_map(|id| self.tree.get(*id));
        let ended = steps.filter(|step| step.started < self.cursor && self.end_of(step) <= self.cursor);
        ended.max_by_key(|step| self.end_of(step))
    }

    fn end_of(&self, step: &StepRecord) -> Timestamp {
        step.ended.as_ref().map_or(self.end, |(at, _)| *at)
    }
}

fn merged(path: Vec<Stretch>) -> Vec<Stretch> {
    let mut merged: Vec<Stretch> = Vec::new();
    for stretch in path {
        match merged.last_mut() {
            Some(last) if last.step == stretch.step && last.to == stretch.from => last.to = stretch.to,
            _ => merged.push(stretch),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::super::replay::tests::journal;
    use super::*;

    #[test]
    fn the_path_has_no_gaps_and_follows_after() {
        let mut tree = Tree::default();
        for event in &journal() {
            tree.take(event);
        }
        let path = path(&tree);
        let (start, end) = tree.span().unwrap();
        assert_eq!((path[0].from, path[path.len() - 1].to), (start, end));
        assert!(path.windows(2).all(|pair| pair[0].to == pair[1].from));
        let shown: Vec<String> = path
            .iter()
            .map(|stretch| format!("{:>3} s  {}", stretch.length().as_secs(), tree.path(stretch.step)))
            .collect();
        insta::assert_snapshot!(shown.join("\n"), @r#"
         0 s  up demo
        12 s  artifacts › kubelet: download
         0 s  artifacts
         0 s  demo-1: machines
         0 s  demo-1: machines › define the domain
         1 s  demo-1: machines
        26 s  demo-1: connect
         0 s  demo-1: provision
         0 s  demo-1: provision › Load kernel modules
        39 s  demo-1: provision › Import images
         0 s  demo-1: kubernetes
        40 s  demo-1: kubernetes › kubeadm init
         0 s  up demo
        "#);
    }
}
