//! What each op would do, at any time since it was made.
//!
//! It must never leave out what an op would do if it were decided now.

use whiteboard::domain::ids::WriterId;
use whiteboard::domain::op::Op;

use crate::reference::Outcome;
use crate::world::World;

impl World {
    /// What is stored changed: notes what each op that is not decided would do now.
    pub fn state_changed(&mut self, drawing: usize) {
        let reference = &self.database.drawings[drawing].reference;
        let checks = &mut self.checks;
        checks.open.retain(|key| {
            let Some(known) = checks.ops.get_mut(key) else {
                return false;
            };
            if known.drawing != drawing {
                return true;
            }
            let outcome = reference.judge(key.0, &known.op);
            known.seen.insert(outcome);
            // It stays so, unless an older copy is restored.
            outcome != Outcome::Already
        });
    }

    /// Notes what an op that was just made would do.
    pub fn op_made(&mut self, drawing: usize, writer: WriterId, op: &Op) {
        self.checks.op_made(drawing, writer, op, self.now);
        let outcome = self.database.drawings[drawing].reference.judge(writer, op);
        if let Some(known) = self.checks.ops.get_mut(&(writer, op.n)) {
            known.seen.insert(outcome);
        }
    }

    /// An older copy of the database was restored.
    pub fn note_restored(&mut self) {
        self.checks.restored_at = Some(self.now);
        self.checks.open = self.checks.ops.keys().copied().collect();
    }
}
