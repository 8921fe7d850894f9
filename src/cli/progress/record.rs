//! A run's status into a file, to be looked at again with `attach --replay`.

use std::{fs::File, io::BufWriter, time::Duration};

use chrono::Utc;
use exchange_sync_tui::recording::Recorder;
use tokio::time::{MissedTickBehavior, interval};

use super::Stop;
use crate::{
    cli::recording::Recording,
    watch::{Events, local::Changes},
};

/// So often the board is looked at.
const LOOKS: Duration = Duration::from_secs(1);

/// A recording under way.
pub struct Record {
    recorder: Recorder<BufWriter<File>>,
    name: String,
}

impl Record {
    /// Begins it.
    pub fn begin(recording: &Recording) -> Result<Self, String> {
        Ok(Self { recorder: recording.begin()?, name: recording.to_string() })
    }

    /// Records a run until it has ended.
    pub(super) async fn record(self, events: Events, mut stopped: Stop) {
        let Self { mut recorder, name } = self;
        let mut changes = Changes::default();
        let mut looks = interval(LOOKS);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let last = tokio::select! {
                _ = &mut stopped => true,
                _ = looks.tick() => false,
            };
            let told = match changes.next(&events) {
                Some(frame) => recorder.take(Utc::now(), frame),
                None => Ok(()),
            };
            if let Err(error) = told {
                tracing::warn!(file = name, %error, "the recording ends here, since it cannot be written");
                return;
            }
            if last {
                break;
            }
        }
        if let Err(error) = recorder.finish(Utc::now()) {
            tracing::warn!(file = name, %error, "the end of the recording could not be written");
        }
    }
}
