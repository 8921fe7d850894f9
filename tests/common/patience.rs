//! Waiting for what happens in its own time.

use std::time::{Duration, Instant};

/// Half a minute.
pub const HALF_A_MINUTE: Duration = Duration::from_secs(30);

/// A minute.
pub const MINUTE: Duration = Duration::from_secs(60);

/// Waits until something holds; fails after so long.
pub async fn until(within: Duration, what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < within, "not within {within:?}: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
