//! The sink: whether what the ledger says is stored is there.

use chrono::Utc;
use futures::{StreamExt, stream};

use super::{SinkReport, Verifier};
use crate::{
    catalog::{Census, Kept, Mark},
    pipeline::{Subscription, Trouble},
    sink::{self, inspect::Found},
};

/// Messages taken out of the ledger at once.
const AT_ONCE: usize = 1_000;

/// Messages looked at at the same time.
const LOOKS: usize = 16;

impl Verifier {
    /// Looks at each message that is stored, also of those that have left the mailbox: nothing is ever deleted from a sink. Sets aside what seems to be lost
    /// or changed.
    pub(super) async fn sink(&self, subscription: &Subscription, census: &Census, report: &mut SinkReport) -> Result<(), Trouble> {
        report.stored = census.totals().await?.messages;
        let sample = Sample::new(report.stored, self.settings.sample);
        let mut after = Mark::default();
        loop {
            let kept = census.kept(after, AT_ONCE).await?;
            let Some((last, _)) = kept.last() else { return Ok(()) };
            after = *last;
            let mut looks = stream::iter(kept)
                .map(|(_, kept)| {
                    let read = self.settings.deep || sample.holds(&kept);
                    let look = read || !self.inspect.reads_whole();
                    async move {
                        let found = match look {
                            true => Some(self.inspect.inspect(&subscription.mailbox, &kept.key, &kept.stored, read).await),
                            false => None,
                        };
                        (kept, read, found)
                    }
                })
                .buffer_unordered(LOOKS);
            let mut suspects = Vec::new();
            while let Some((kept, read, found)) = looks.next().await {
                let Some(found) = found.transpose().map_err(|error: sink::Error| Trouble::from(error))? else { continue };
                report.looked += 1;
                report.read += u64::from(read && found != Found::Missing);
                match found {
                    Found::Sound => {}
                    Found::Missing | Found::Differs(_) => suspects.push(kept.key),
                }
            }
            census.suspect(suspects).await?;
        }
    }
}

/// Which messages are read back: about so many, and others each day.
struct Sample {
    stride: u64,
    turn: u64,
}

impl Sample {
    fn new(stored: u64, wanted: u64) -> Self {
        let stride = if wanted == 0 { u64::MAX } else { stored.div_ceil(wanted).max(1) };
        let day = u64::try_from(Utc::now().timestamp() / 86_400).unwrap_or_default();
        Self { stride, turn: day % stride }
    }

    /// Keys are digests, so they are spread evenly.
    fn holds(&self, kept: &Kept) -> bool {
        let drawn = kept.key.0.get(..12).and_then(|start| u64::from_str_radix(start, 16).ok());
        self.stride != u64::MAX && drawn.is_none_or(|drawn| drawn % self.stride == self.turn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        mail::{FolderId, ItemId, Key, Listed},
        sink::Stored,
    };

    fn kept(n: u64) -> Kept {
        use sha2::{Digest, Sha256};
        Kept {
            key: Key(hex::encode(&Sha256::digest(n.to_be_bytes())[..16])),
            stored: Stored { object: String::new(), bytes: 0, sha256: String::new() },
            listed: Listed::bare(ItemId(String::new())),
            folder: FolderId(String::new()),
            path: Vec::new(),
            present: true,
        }
    }

    #[test]
    fn a_sample_is_about_as_large_as_was_asked_for() {
        for (stored, wanted, least, most) in [(10_000, 100, 60, 150), (50, 100, 50, 50), (10_000, 0, 0, 0)] {
            let sample = Sample::new(stored, wanted);
            let drawn = (0..stored).filter(|n| sample.holds(&kept(*n))).count();
            assert!((least..=most).contains(&drawn), "{drawn} of {stored}, {wanted} wanted");
        }
    }
}
