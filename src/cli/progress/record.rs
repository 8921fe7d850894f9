//! A run's status into a file, to be looked at again with `attach --replay`.

use std::{path::Path, time::Duration};

use chrono::Utc;
use tokio::time::{MissedTickBehavior, interval};

use super::Stop;
use crate::{
    cli::recording,
    watch::{Events, local::Changes},
};

/// So often the board is looked at.
const LOOKS: Duration = Duration::from_secs(1);

/// Records a run until it has ended.
pub fn record(file: &Path, events: Events, mut stopped: Stop) -> Result<impl Future<Output = ()> + use<>, String> {
    let (mut recorder, name) = (recording::begin(file)?, file.display().to_string());
    Ok(async move {
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
    })
}
