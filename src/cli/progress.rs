//! What a person or a program sees while mailboxes are copied: the dashboard, lines, JSON, or nothing. Everything shown is read from the board.

mod dashboard;
mod lines;
mod record;

use std::sync::Arc;

use chrono::Utc;
use exchange_sync_tui::{Left, Settings, mask, text};
use futures::{FutureExt, future::Shared};
use rustix::process::{Signal, getpid, kill_process};
use tokio::{
    sync::oneshot,
    task::{JoinHandle, JoinSet},
};

pub use self::record::Record;
use super::{
    Progress,
    console::{Console, is_interactive},
    tables::{WIDTH, tables},
};
use crate::watch::{Events, Hands};

/// What to show, and where.
pub struct Wanted<'a> {
    /// Which display.
    pub progress: Progress,
    /// How the dashboard looks.
    pub screen: Settings,
    /// Where what is seen is recorded.
    pub record: Option<Record>,
    /// The terminal, which the dashboard borrows from the logs.
    pub console: &'a Console,
    /// Who carries out what is asked on the dashboard.
    pub hands: Arc<dyn Hands>,
}

/// The end of a display, as it is told to its tasks.
type Stop = Shared<oneshot::Receiver<()>>;

/// A display that runs beside the work.
pub struct View {
    stop: Option<oneshot::Sender<()>>,
    /// Each tells whether what it wrote was taken.
    tasks: JoinSet<bool>,
    dashboard: Option<JoinHandle<Left>>,
    /// Whether a dashboard was shown.
    showed: bool,
}

/// How a display ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaves {
    /// Whether it was a dashboard, whose last picture has gone with it.
    pub nothing: bool,
    /// Whether whoever reads took nothing at the end.
    pub stalled: bool,
}

impl Progress {
    /// What is shown on this machine: `auto` is the dashboard on a terminal and lines elsewhere. A dashboard that was asked for needs a terminal.
    pub fn here(self) -> Result<Self, String> {
        let terminal = is_interactive();
        match self {
            Self::Auto if terminal => Ok(Self::Tui),
            Self::Auto => Ok(Self::Plain),
            Self::Tui if !terminal => {
                Err("the dashboard needs a terminal on standard input and output; without one use --progress plain or json".to_owned())
            }
            other => Ok(other),
        }
    }
}

/// Starts a display.
pub fn start(events: &Events, wanted: Wanted<'_>) -> Result<View, String> {
    let (stop, stopped) = oneshot::channel();
    let stopped: Stop = stopped.shared();
    let (mut tasks, mut dashboard) = (JoinSet::new(), None);
    if let Some(record) = wanted.record {
        tasks.spawn(record.record(events.clone(), stopped.clone()).map(|()| true));
    }
    let (board, over) = (events.clone(), stopped.clone());
    let hiding = wanted.console.clone();
    let tables =
        tables(wanted.console.clone(), move || text::table(&mask::masked(board.status().overview(Utc::now()), hiding.hides()), WIDTH))?;
    tasks.spawn(async move {
        tokio::select! {
            _ = over => {}
            () = tables => {}
        }
        true
    });
    match wanted.progress {
        Progress::None => {}
        Progress::Json => drop(tasks.spawn(lines::json(events.clone(), stopped))),
        Progress::Plain | Progress::Auto => drop(tasks.spawn(lines::lines(events.clone(), wanted.console.clone(), stopped).map(|()| true))),
        Progress::Tui => {
            let hands = wanted.hands;
            dashboard = Some(tokio::spawn(dashboard::show(events.clone(), hands, wanted.screen, wanted.console.clone(), stopped)));
        }
    }
    let showed = dashboard.is_some();
    Ok(View { stop: Some(stop), tasks, dashboard, showed })
}

impl View {
    /// Attends to the person before the dashboard, for as long as it is polled. To stop the work there counts as the interrupt that it is elsewhere, so that
    /// another one hurries.
    pub async fn attend(&mut self) {
        if let Some(dashboard) = &mut self.dashboard {
            let left = dashboard.await;
            self.dashboard = None;
            if matches!(left, Ok(Left::Stop)) {
                // One's own process can always be told.
                let _ = kill_process(getpid(), Signal::INT);
            }
        }
        std::future::pending().await
    }

    /// Ends the display and leaves the terminal clean.
    pub async fn stop(mut self) -> Leaves {
        drop(self.stop.take());
        let left = match self.dashboard.take() {
            Some(dashboard) => dashboard.await.ok(),
            None => None,
        };
        let mut taken = true;
        while let Some(task) = self.tasks.join_next().await {
            taken &= task.unwrap_or(true);
        }
        // A display that broke does not concern the result.
        Leaves { nothing: self.showed, stalled: !taken || left == Some(Left::Stalled) }
    }
}
