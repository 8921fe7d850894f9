//! The dashboard of a run in the same process.

use std::sync::Arc;

use exchange_sync_tui::{Left, Settings};

use super::{Stop, lines};
use crate::{
    cli::console::{Console, complain},
    watch::{self, Events, Hands},
};

/// Shows the dashboard until somebody leaves it or the work has ended. Whoever detaches goes on with lines.
pub async fn show(events: Events, hands: Arc<dyn Hands>, settings: Settings, console: Console, stopped: Stop) -> Left {
    events.status().takes_actions(true);
    let source = watch::local::source("this run".to_owned(), events.clone(), Some(hands));
    let lent = console.lend();
    let ending = stopped.clone();
    let left = exchange_sync_tui::show(vec![source], settings, async {
        let _ = ending.await;
    })
    .await;
    drop(lent);
    match left {
        Ok(Left::Detach) => {
            console.write("the copying goes on; Ctrl-C stops it, and SIGUSR1 prints the table\n");
            lines::lines(events, console, stopped).await;
        }
        // Nobody sees the lines, either; what happens then is as somebody decided who started it so.
        Ok(Left::Gone) => lines::lines(events, console, stopped).await,
        Ok(left) => return left,
        Err(error) => {
            complain(format_args!("the dashboard cannot be drawn, and the work goes on without it: {error}"));
            lines::lines(events, console, stopped).await;
        }
    }
    Left::Detach
}
