//! Loops.

use super::super::play::{Loop, LoopKind};
use super::Parser;
use super::fields::Fields;

/// The words of `loop_control`.
const CONTROL: &[&str] = &["loop_var", "index_var", "label", "pause", "extended"];

impl Parser<'_> {
    pub(super) fn repeat(&mut self, fields: &mut Fields) -> Option<Loop> {
        let control = fields.take("loop_control");
        let kinds = [
            ("loop", LoopKind::List),
            ("with_list", LoopKind::List),
            ("with_items", LoopKind::Items),
            ("with_dict", LoopKind::Dict),
        ];
        let mut found = None;
        for (name, kind) in kinds {
            if let Some(over) = fields.take(name) {
                if found.is_some() {
                    self.mistake(&over.place, "a task has one loop");
                }
                found = Some((over, kind));
            }
        }
        let Some((over, kind)) = found else {
            if let Some(control) = control {
                self.mistake(&control.place, "`loop_control` stands without a loop");
            }
            return None;
        };
        let mut repeat = Loop {
            place: over.place.clone(),
            over,
            kind,
            variable: "item".to_owned(),
            index_variable: None,
            label: None,
            pause: None,
        };
        if let Some(mut control) = control.and_then(|node| Fields::of(self, &node, "`loop_control`")) {
            if let Some(name) = control.name(self, "loop_var") {
                repeat.variable = name;
            }
            repeat.index_variable = control.name(self, "index_var");
            repeat.label = control.take("label");
            repeat.pause = control.take("pause");
            control.skip(&["extended"]);
            control.finish(self, CONTROL, "`loop_control`");
        }
        Some(repeat)
    }
}
