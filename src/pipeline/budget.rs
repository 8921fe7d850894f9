//! Bounds in bytes what is held in memory.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Messages up to this size are gathered whole before they are written; larger ones are written as they arrive. Most mail is smaller, and the
/// smaller this is, the more downloads fit the budget at the same time.
pub const WHOLE: usize = 1 << 18;

/// What one download may hold: the message being gathered, and buffers of connection and decoder.
const SLOT: usize = 2 * WHOLE;

/// Permits are counted in KiB, so that a budget of many GiB fits a semaphore.
const UNIT: usize = 1 << 10;

/// A budget in two halves. One is divided into slots, one for each download under way; the other is drawn on by complete messages that wait for their
/// write. A download that waits for the second half holds a slot, but writers need no budget to finish, so the wait always ends.
#[derive(Clone)]
pub struct Budget {
    slots: Arc<Semaphore>,
    held: Arc<Semaphore>,
    capacity: usize,
}

/// The right to hold something; dropping it gives it back.
pub struct Permit(#[allow(dead_code, reason = "held for its drop")] OwnedSemaphorePermit);

impl Permit {
    /// The bytes that this is the right to hold: it is given back with their last clone, whoever has that.
    pub fn with(self, bytes: Bytes) -> Bytes {
        Bytes::from_owner(Held { bytes, _permit: self })
    }
}

struct Held {
    bytes: Bytes,
    _permit: Permit,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Budget {
    /// A budget of so many bytes, at least two slots and one whole message.
    pub fn new(bytes: usize) -> Self {
        let half = bytes / 2;
        let capacity = (half / UNIT).clamp(WHOLE / UNIT, u32::MAX as usize);
        Self { slots: Arc::new(Semaphore::new((half / SLOT).max(2))), held: Arc::new(Semaphore::new(capacity)), capacity }
    }

    /// Waits until one more download may run.
    pub async fn download(&self) -> Permit {
        acquire(&self.slots, 1).await
    }

    /// Waits until a complete message of so many bytes may be held beside the download.
    pub async fn hold(&self, bytes: usize) -> Permit {
        let units = bytes.div_ceil(UNIT).clamp(1, self.capacity);
        acquire(&self.held, u32::try_from(units).unwrap_or(u32::MAX)).await
    }
}

async fn acquire(semaphore: &Arc<Semaphore>, permits: u32) -> Permit {
    match semaphore.clone().acquire_many_owned(permits).await {
        Ok(permit) => Permit(permit),
        // These semaphores are never closed.
        Err(_) => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_budget_below_the_smallest_still_works() {
        let budget = Budget::new(0);
        let _one = budget.download().await;
        let _message = budget.hold(WHOLE).await;
    }

    #[tokio::test]
    async fn what_is_held_never_exceeds_half_the_budget() {
        let budget = Budget::new(8 << 20);
        let mut held = Vec::new();
        for _ in 0..4 {
            held.push(budget.hold(1 << 20).await);
        }
        assert!(futures::poll!(std::pin::pin!(budget.hold(1))).is_pending());
        held.pop();
        budget.hold(1 << 20).await;
    }

    #[tokio::test]
    async fn the_last_clone_of_the_bytes_gives_the_permit_back() {
        let budget = Budget::new(2 << 20);
        let bytes = budget.hold(1 << 20).await.with(Bytes::from_static(b"x"));
        let part = bytes.slice(..1);
        drop(bytes);
        assert!(futures::poll!(std::pin::pin!(budget.hold(1))).is_pending());
        drop(part);
        budget.hold(1).await;
    }

    #[tokio::test]
    async fn a_message_above_the_budget_is_let_through_alone() {
        let budget = Budget::new(4 << 20);
        let all = budget.hold(usize::MAX).await;
        assert!(futures::poll!(std::pin::pin!(budget.hold(1))).is_pending());
        drop(all);
    }
}
