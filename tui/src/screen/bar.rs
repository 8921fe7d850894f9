//! The keys that mean something here; a notice, or the word that is being typed, in their place.
//!
//! ```text
//!  enter folders  p pause  r retry  v verify  / filter  s sort  i details                    ? help  q quit
//! ```

use ratatui::{buffer::Buffer, layout::Rect, style::Modifier, widgets::Widget};

use super::strip::{Piece, piece, strip};
use crate::{
    app::{App, Dialog, Tab},
    keymap::Command,
    mask,
    safe::visible,
    status::MailboxState,
    theme::Role,
};

pub(super) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    let theme = app.theme;
    let inner = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
    if let Some(Dialog::Filter { .. }) = app.dialog {
        let word = if app.tab == Tab::Logs { &app.logs.filter } else { &app.table.filter };
        let text = vec![
            theme.span("filter: ", Role::Accent),
            theme.span(visible(&mask::typed(word, app.mask())).into_owned(), Role::Strong),
            theme.span("█", Role::Accent),
        ];
        let hint = vec![theme.span("enter keep  esc undo", Role::Dim)];
        strip(inner.width, 2, vec![piece(2, [text])], vec![piece(1, [hint])]).render(inner, buffer);
        return;
    }
    let right = [(Command::Help, "help"), (Command::Quit, "quit")].into_iter().filter_map(|(command, word)| key(app, 9, command, word));
    let left = match &app.notice {
        Some(notice) => {
            let (sign, role) = if notice.good { ("✓", Role::Good) } else { ("▲", Role::Warn) };
            let text = visible(&mask::shown(&notice.text, app.mask())).into_owned();
            let text = crate::safe::clip(&format!("{sign} {text}"), usize::from(inner.width).saturating_sub(18));
            vec![piece(10, [vec![theme.span(text, role).style(theme.style(role).add_modifier(Modifier::BOLD))]])]
        }
        None => {
            keys(app).into_iter().enumerate().filter_map(|(at, (command, word))| key(app, 8 - (at as u8).min(8), command, word)).collect()
        }
    };
    strip(inner.width, 2, left, right.collect()).render(inner, buffer);
}

fn key(app: &App, weight: u8, command: Command, word: &str) -> Option<Piece> {
    let key = app.keymap().key(command)?;
    Some(piece(weight, [vec![app.theme.span(key, Role::Accent), app.theme.span(format!(" {word}"), Role::Dim)]]))
}

/// What may be wanted here, first of all.
fn keys(app: &App) -> Vec<(Command, &'static str)> {
    if app.frozen() {
        return vec![(Command::Freeze, "go on"), (Command::Filter, "filter"), (Command::Sort, "sort"), (Command::Mask, "mask")];
    }
    // What is recorded cannot be changed.
    let live = app.fleet().instances.iter().any(|instance| instance.replay.is_none());
    let acts = |keys: Vec<(Command, &'static str)>| {
        let acts = |command| matches!(command, Command::Pause | Command::Retry | Command::RetryAll | Command::Verify | Command::Reload);
        keys.into_iter().filter(|(command, _)| live || !acts(*command)).collect()
    };
    match app.tab {
        _ if app.in_log() => vec![
            (Command::Open, "read"),
            (Command::Follow, "follow"),
            (Command::Filter, "filter"),
            (Command::MoreLog, "more"),
            (Command::LessLog, "less"),
            (Command::OneMailbox, "this mailbox"),
            (Command::Back, "back"),
        ],
        Tab::Quarantine => acts(vec![
            (Command::Open, "read"),
            (Command::Retry, "retry"),
            (Command::RetryAll, "retry all"),
            (Command::Copy, "copy id"),
            (Command::Reload, "reload"),
            (Command::Back, "back"),
        ]),
        Tab::Charts => vec![(Command::Scale, "time scale"), (Command::Freeze, "freeze"), (Command::Back, "back")],
        Tab::Mailboxes | Tab::Logs => {
            let row = app.table.selected();
            let mailbox = row.and_then(|row| app.fleet().instances.get(row.source)?.status.mailboxes.get(&*row.mailbox));
            let paused = mailbox.is_some_and(|mailbox| mailbox.state == MailboxState::Paused);
            let unfolded = row.is_some_and(|row| app.table.unfolded(row));
            acts(vec![
                (Command::Open, if unfolded { "fold" } else { "folders" }),
                (Command::Details, "details"),
                (Command::Filter, "filter"),
                (Command::Sort, "sort"),
                (Command::Pause, if paused { "resume" } else { "pause" }),
                (Command::Retry, "retry"),
                (Command::Verify, "verify"),
                (Command::LogPane, "log"),
                (Command::Freeze, "freeze"),
                (Command::Group, "group"),
            ])
        }
    }
}
