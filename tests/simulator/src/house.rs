//! The rooms behind the front.

use std::sync::Arc;

use crate::auth::{Doors, Identity};
use crate::ews;
use crate::fault::Faults;
use crate::front::Rooms;
use crate::graph;
use crate::http::{Intake, Request, Response};
use crate::reinfer;
use crate::state::State;

/// A state as the rooms behind the front.
#[derive(Debug)]
pub(crate) struct House(pub(crate) Arc<State>);

impl Rooms for House {
    fn doors(&self) -> Doors<'_> {
        let State { accounts, options, quirks, counters, gate, .. } = self.0.as_ref();
        Doors { accounts, options, quirks, counters, gate }
    }

    fn faults(&self) -> &Faults {
        &self.0.faults
    }

    fn has_mailbox(&self, address: &str) -> bool {
        self.0.store.mailbox(address).is_some()
    }

    fn intake(&self, head: &Request) -> Intake {
        if reinfer::owns(&head.path) { reinfer::intake(&self.0, head) } else { Intake::default() }
    }

    async fn ews<'a>(&'a self, request: &'a Request, identity: &'a Identity) -> Response {
        ews::handle(&self.0, request, identity).await
    }

    async fn graph<'a>(&'a self, request: &'a Request) -> Response {
        graph::handle(&self.0, request).await
    }

    async fn reinfer<'a>(&'a self, request: &'a Request) -> Response {
        reinfer::handle(&self.0, request).await
    }
}
