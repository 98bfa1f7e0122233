//! Sessions that all processes share: each is a lock of the keeper's connection, free again when the process dies.

use std::collections::HashMap;
use std::sync::Arc;

use diesel::prelude::*;

use crate::engine::gate::Gate;
use crate::mail_servers::store;

/// Those that are ours as long as the connection lasts, by their server.
#[derive(Default)]
pub(super) struct Sessions(HashMap<Option<i64>, Vec<i32>>);

impl Sessions {
    /// The connection is gone, and the locks with it.
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }

    /// Takes what is free of each gate's sessions, and gives back what is not needed any more; tells how many there are now
    /// of each gate whose sessions are shared.
    pub(super) fn share<'a>(
        &mut self,
        conn: &mut PgConnection,
        gates: &'a [Arc<Gate>],
    ) -> QueryResult<Vec<(&'a Gate, usize)>> {
        self.give_back_but(conn, gates)?;
        let mut held = Vec::new();
        for gate in gates {
            let Some(in_all) = gate.way.sessions_in_all else {
                continue;
            };
            let own = gate.way.through.smtp_server_id;
            let mine = self.0.entry(own).or_default();
            let most = gate.way.sessions.saturating_sub(mine.len());
            let free: Vec<i32> = (0..in_all)
                .filter(|number| !mine.contains(number))
                .collect();
            if most > 0 && !free.is_empty() {
                mine.extend(store::take_sessions(conn, own, (&free, most))?);
            }
            held.push((gate.as_ref(), mine.len().min(gate.way.sessions)));
        }
        Ok(held)
    }

    fn give_back_but(&mut self, conn: &mut PgConnection, gates: &[Arc<Gate>]) -> QueryResult<()> {
        let is_open = |own: &Option<i64>| {
            let mut open = gates.iter().map(|gate| gate.way.through.smtp_server_id);
            open.any(|through| through == *own)
        };
        let closed: Vec<_> = self.0.keys().filter(|own| !is_open(own)).copied().collect();
        for own in closed {
            if let Some(numbers) = self.0.remove(&own) {
                store::give_sessions_back(conn, own, &numbers)?;
            }
        }
        Ok(())
    }
}
