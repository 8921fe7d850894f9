//! Questions and help, over everything else.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::Line,
    widgets::{Block, BorderType, Clear, Paragraph, Widget},
};

use crate::{
    app::{App, Confirm, Dialog, Whole},
    keymap::Command,
    mask,
    safe::{fit, visible, wrap},
    status::{FolderState, MailboxState},
    theme::{self, Role},
};

pub(super) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    match &app.dialog {
        Some(Dialog::Help(line)) => help(app, *line, area, buffer),
        Some(Dialog::Text { text, line }) => read(app, text, *line, area, buffer),
        Some(Dialog::Confirm(confirm)) => question(app, *confirm, area, buffer),
        Some(Dialog::Filter { .. }) | None => {}
    }
}

/// A frame in the middle, with room for so many lines of so many columns.
fn window(app: &App, title: &str, (columns, lines): (u16, u16), area: Rect, buffer: &mut Buffer) -> Rect {
    let (width, height) = (columns.saturating_add(4).min(area.width), lines.saturating_add(2).min(area.height));
    let window = Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height };
    Clear.render(window, buffer);
    let block = Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(app.theme.style(Role::Accent))
        .title(Line::from(app.theme.span(format!(" {title} "), Role::Strong)));
    let inner = block.inner(window);
    block.render(window, buffer);
    Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner }
}

/// What is asked: a title, the text, and keys with what they answer.
type Question = (&'static str, &'static [&'static str], &'static [(&'static str, &'static str)]);

fn words(confirm: Confirm) -> Question {
    match confirm {
        Confirm::Stop => (
            "Quit?",
            &["The work runs in this process. To stop finishes", "what is under way and ends; nothing is lost."],
            &[("enter", "stop"), ("d", "detach, the work goes on"), ("esc", "stay")],
        ),
        Confirm::PauseAll { resume: false } => (
            "Pause all?",
            &["No mailbox begins anything more, until all are", "resumed. What is under way is finished."],
            &[("enter", "pause all"), ("esc", "back")],
        ),
        Confirm::PauseAll { resume: true } => ("Resume all?", &["All mailboxes go on."], &[("enter", "resume all"), ("esc", "back")]),
        Confirm::RetryAll => ("Retry all?", &["Everything in quarantine is tried again."], &[("enter", "retry all"), ("esc", "back")]),
    }
}

/// The question where there is no room for a window.
pub(super) fn in_a_line(confirm: Confirm) -> String {
    let (title, _, keys) = words(confirm);
    let keys: Vec<_> = keys.iter().map(|(key, word)| format!("{key}: {word}")).collect();
    format!("{title} {}", keys.join(", "))
}

fn question(app: &App, confirm: Confirm, area: Rect, buffer: &mut Buffer) {
    let (title, text, keys) = words(confirm);
    let mut lines: Vec<Line> = vec![Line::default()];
    lines.extend(text.iter().map(|text| Line::from(app.theme.span(*text, Role::Plain))));
    lines.push(Line::default());
    let mut choice = Line::default();
    for (key, word) in keys {
        choice.push_span(app.theme.span(*key, Role::Accent));
        choice.push_span(app.theme.span(format!(" {word}   "), Role::Dim));
    }
    lines.push(choice);
    let inner = window(app, title, (54, lines.len() as u16 + 1), area, buffer);
    Paragraph::new(lines).render(inner, buffer);
}

/// Columns of the keys, and of a key with its words.
const KEYS: usize = 12;
const ENTRY: u16 = 48;

/// Columns of a name before what it names, and of what is to be read at most.
const NAME: usize = 10;
const TEXT: u16 = 100;

/// Signs that the table does not explain by itself, and what they mean.
fn legend() -> Vec<(&'static str, &'static str, &'static str)> {
    let mailbox = |state: MailboxState, means| {
        let (sign, word, _) = theme::mailbox(state);
        (sign, word, means)
    };
    let (more, word, _) = theme::folder(FolderState::More);
    vec![
        mailbox(MailboxState::Queued, "its turn has not come"),
        mailbox(MailboxState::Listing, "folders and changes are listed"),
        mailbox(MailboxState::Syncing, "messages are fetched and stored"),
        mailbox(MailboxState::Waiting, "for the server, or to try again"),
        (theme::STALLED.0, theme::STALLED.1, "nothing has come for a minute"),
        mailbox(MailboxState::Idle, "read to its end; looked at again"),
        mailbox(MailboxState::Degraded, "its last round met trouble"),
        mailbox(MailboxState::Paused, "a person paused it"),
        mailbox(MailboxState::Stopped, "not read before somebody acts"),
        mailbox(MailboxState::Done, "read to its end"),
        (more, word, "a folder's share is had; more next"),
        ("◇", "partial", "the run ended before its end"),
        ("~", "~53 GB", "by what is listed and stored so far"),
    ]
}

/// Keys with what they do, then signs with what they mean.
fn entries(app: &App) -> Vec<Line<'static>> {
    let entry = |first: String, words: &str| {
        Line::from(vec![app.theme.span(fit(&first, KEYS), Role::Accent), app.theme.span(format!(" {words}"), Role::Plain)])
    };
    let keys = Command::ALL.iter().filter_map(|command| {
        let keys = app.keymap().keys(*command).join("  ");
        (!keys.is_empty()).then(|| entry(keys, command.what()))
    });
    let signs = legend().into_iter().map(|(sign, word, means)| entry(format!("{sign} {word}"), means));
    keys.chain([Line::default()]).chain(signs).collect()
}

/// Columns of help, and lines of each.
fn help_size(entries: usize, area: Rect) -> (usize, usize) {
    // Two columns where there is room for them.
    let columns = if area.width >= 2 * ENTRY + 4 { 2 } else { 1 };
    (columns, entries.div_ceil(columns))
}

fn help(app: &App, line: usize, area: Rect, buffer: &mut Buffer) {
    let entries = entries(app);
    let (columns, lines) = help_size(entries.len(), area);
    let inner = window(app, "Keys and signs", (ENTRY * columns as u16, lines as u16), area, buffer);
    for (column, entries) in entries.chunks(lines.max(1)).enumerate() {
        let x = inner.x + ENTRY * column as u16;
        for (entry, y) in entries.iter().skip(line).zip(inner.top()..inner.bottom()) {
            entry.render(Rect { x, y, width: ENTRY.min(inner.width), height: 1 }, buffer);
        }
    }
    more(app, lines, line, inner, buffer);
}

/// What is to be read, in lines of what columns there are.
fn lines(app: &App, text: &Whole, area: Rect) -> Vec<Line<'static>> {
    let columns = usize::from(TEXT.min(area.width.saturating_sub(4)));
    let mut lines = Vec::new();
    for (name, words) in &text.words {
        let words = visible(&mask::shown(words, app.mask())).into_owned();
        if name.is_empty() {
            lines.push(Line::default());
            lines.extend(wrap(&words, columns).into_iter().map(|line| Line::from(app.theme.span(line, Role::Plain))));
            continue;
        }
        for (at, line) in wrap(&words, columns.saturating_sub(NAME)).into_iter().enumerate() {
            let name = app.theme.span(format!("{:<NAME$}", if at == 0 { name } else { "" }), Role::Dim);
            lines.push(Line::from(vec![name, app.theme.span(line, Role::Plain)]));
        }
    }
    lines
}

fn read(app: &App, text: &Whole, line: usize, area: Rect, buffer: &mut Buffer) {
    let lines = lines(app, text, area);
    let all = lines.len();
    let inner = window(app, text.title, (TEXT, u16::try_from(all).unwrap_or(u16::MAX)), area, buffer);
    Paragraph::new(lines.into_iter().skip(line).collect::<Vec<_>>()).render(inner, buffer);
    more(app, all, line, inner, buffer);
}

/// How many lines can be scrolled away at most.
pub(super) fn most(app: &App, area: Rect) -> usize {
    let lines = match &app.dialog {
        Some(Dialog::Help(_)) => help_size(entries(app).len(), area).1,
        Some(Dialog::Text { text, .. }) => lines(app, text, area).len(),
        Some(Dialog::Confirm(_) | Dialog::Filter { .. }) | None => 0,
    };
    lines.saturating_sub(usize::from(area.height.saturating_sub(2)))
}

/// Says at the window's edge by which key there is more.
fn more(app: &App, lines: usize, first: usize, inner: Rect, buffer: &mut Buffer) {
    if first + usize::from(inner.height) < lines {
        let more = app.keymap().key(Command::Down).unwrap_or_default();
        let text = app.theme.span(format!(" {more} for more "), Role::Dim);
        let width = text.width() as u16;
        text.render(Rect { x: inner.right().saturating_sub(width), y: inner.bottom(), width, height: 1 }, buffer);
    }
}
