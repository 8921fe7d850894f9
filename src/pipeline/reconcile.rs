//! When a folder is listed from the start although its cursor works: some interfaces' cursors miss changes.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use crate::mail::FolderId;

/// How often folders are listed from the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reconcile {
    /// As often as the interface in use asks for.
    #[default]
    AsNeeded,
    /// Only where a cursor is refused.
    Never,
    /// So often, whatever the interface.
    Every(Duration),
}

impl Reconcile {
    /// The period in force; none for never. `own` is what the interface asks for.
    pub fn period(self, own: Option<Duration>) -> Option<Duration> {
        match self {
            Self::AsNeeded => own,
            Self::Never => None,
            Self::Every(period) => Some(period),
        }
    }
}

/// Whether a folder is due that was last listed whole at `listed`. A time that lies as far ahead counts as passed: the clock was wrong then.
pub fn due(period: Duration, folder: &FolderId, listed: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    listed.is_none_or(|listed| (now - listed).abs().to_std().is_ok_and(|elapsed| elapsed >= own_period(period, folder)))
}

/// The period of one folder: up to a quarter shorter or longer, so that folders listed in one hour come due in different ones.
fn own_period(period: Duration, folder: &FolderId) -> Duration {
    let digest = Sha256::digest(folder.0.as_bytes());
    let share = digest.iter().take(2).fold(0_u32, |share, byte| share << 8 | u32::from(*byte));
    (period / 4 * 3).saturating_add((period / 2).mul_f64(f64::from(share) / 65_536.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_come_due_around_their_period_and_not_together() {
        let day = Duration::from_secs(86_400);
        let listed: DateTime<Utc> = "2026-01-02T03:04:05Z".parse().unwrap();
        let folders: Vec<FolderId> = (0..200).map(|n| FolderId(format!("folder {n}"))).collect();
        let count = |hours: i64| {
            let now = listed + chrono::TimeDelta::hours(hours);
            folders.iter().filter(|folder| due(day, folder, Some(listed), now)).count()
        };
        assert_eq!((count(0), count(17), count(31)), (0, 0, 200));
        for hour in 18..30 {
            let within = count(hour + 1) - count(hour);
            assert!((3..50).contains(&within), "{within} of 200 in hour {hour}");
        }
        assert!(due(day, &folders[0], None, listed));
        assert!(due(day, &folders[0], Some(listed + chrono::TimeDelta::days(400)), listed), "the clock was wrong");
    }

    #[test]
    fn an_operator_s_word_counts_over_the_interface_s() {
        let (hour, day) = (Duration::from_secs(3600), Duration::from_secs(86_400));
        for (reconcile, own, expected) in [
            (Reconcile::AsNeeded, None, None),
            (Reconcile::AsNeeded, Some(day), Some(day)),
            (Reconcile::Never, Some(day), None),
            (Reconcile::Every(hour), Some(day), Some(hour)),
            (Reconcile::Every(hour), None, Some(hour)),
        ] {
            assert_eq!(reconcile.period(own), expected, "{reconcile:?} {own:?}");
        }
    }
}
