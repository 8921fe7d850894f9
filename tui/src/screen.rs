//! Drawing: where the panels are, each of which is a file.
//!
//! ```text
//! head      what the whole is doing, how far, how fast, until when
//! banners   what keeps it from that: connections, the sink, the configuration
//! tabs      what fills the body, and how it is looked at
//! body      mailboxes | log | quarantine | charts         pane: details or log,
//!                                                         below or beside
//! bar       keys that mean something here, or a notice
//! ```

mod banners;
mod bar;
mod cells;
mod charts;
mod columns;
mod details;
mod dialogs;
mod head;
mod logs;
mod meter;
mod quarantine;
mod small;
mod strip;
mod table;
mod tabs;

use ratatui::{Frame, buffer::Buffer, layout::Rect};

use crate::{
    app::{App, Dialog, Pane, Tab},
    keymap::Command,
    mask,
    safe::visible,
    theme::{self, Role},
};

/// Below this the dashboard is a few lines of text.
const LEAST: (u16, u16) = (60, 15);

/// Width from which on the pane stands beside the table.
const BESIDE: u16 = 150;

/// What is drawn at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spot {
    Row(usize),
    Tab(Command),
    Nothing,
}

/// Where what is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Layout {
    head: Rect,
    banners: Rect,
    tabs: Rect,
    body: Rect,
    pane: Rect,
    bar: Rect,
}

impl Layout {
    fn new(app: &App, area: Rect) -> Self {
        let banners = (banners::count(app) as u16).min(area.height / 4);
        let mut y = area.y;
        let mut rows = |height: u16| {
            let rect = Rect::new(area.x, y, area.width, height);
            y += height;
            rect
        };
        let (head, banners, tabs) = (rows(head::HEIGHT), rows(banners), rows(1));
        let mut body = rows(area.height.saturating_sub(head.height + banners.height + tabs.height + 1));
        let bar = rows(1);
        let mut pane = Rect::default();
        if app.tab == Tab::Mailboxes && app.pane.is_some() {
            (body, pane) = match app.pane {
                _ if app.expanded => (Rect { height: 0, ..body }, body),
                Some(Pane::Details) if body.width >= BESIDE => beside(body, (body.width / 3).clamp(56, 80)),
                _ => below(body, (body.height / 2).clamp(5, 18)),
            };
        }
        Self { head, banners, tabs, body, pane, bar }
    }
}

fn beside(area: Rect, width: u16) -> (Rect, Rect) {
    let rest = area.width - width;
    // A column between them.
    (Rect { width: rest - 1, ..area }, Rect { x: area.x + rest, width, ..area })
}

fn below(area: Rect, height: u16) -> (Rect, Rect) {
    let rest = area.height.saturating_sub(height);
    (Rect { height: rest, ..area }, Rect { y: area.y + rest, height: area.height - rest, ..area })
}

/// Draws everything. Rows are brought up to date first, and windows moved to where the selection is.
pub(crate) fn draw(frame: &mut Frame, app: &mut App) {
    let area = frame.area();
    app.logs.seen = app.tab == Tab::Logs || (app.tab == Tab::Mailboxes && app.pane == Some(Pane::Logs));
    app.prepare();
    if area.width < LEAST.0 || area.height < LEAST.1 {
        small::draw(app, area, frame.buffer_mut());
    } else {
        let layout = Layout::new(app, area);
        windows(app, &layout);
        panels(app, &layout, frame.buffer_mut());
    }
    if app.theme.ascii {
        theme::to_ascii(frame.buffer_mut());
    }
}

/// Moves the windows of lists to where their selections are.
fn windows(app: &mut App, layout: &Layout) {
    let rows = app.table.rows.len();
    app.table.list.show(usize::from(layout.body.height.saturating_sub(1)), rows);
    let lines = app.logs.lines.len();
    let height = logs::list(app, if app.tab == Tab::Logs { layout.body } else { log_pane(layout) }).height;
    app.logs.list.show(usize::from(height), lines);
    let items = app.quarantine.items.len();
    app.quarantine.list.show(usize::from(quarantine::list(app, layout.body).height), items);
    if app.in_details() {
        let (page, lines) = details::size(app, layout.pane);
        app.details.show(page, lines);
    }
    let most = dialogs::most(app, layout.bar.union(layout.head));
    if let Some(Dialog::Help(line) | Dialog::Text { line, .. }) = &mut app.dialog {
        *line = most.min(*line);
    }
}

/// The log's pane, below a line that parts it from the table.
fn log_pane(layout: &Layout) -> Rect {
    let pane = layout.pane;
    Rect { y: pane.y + 1, height: pane.height.saturating_sub(1), ..pane }
}

fn panels(app: &App, layout: &Layout, buffer: &mut Buffer) {
    head::draw(app, layout.head, buffer);
    banners::draw(app, layout.banners, buffer);
    tabs::draw(app, layout.tabs, layout.body, buffer);
    match (app.tab, app.pane) {
        (Tab::Logs, _) => logs::draw(app, layout.body, buffer),
        (Tab::Quarantine, _) => quarantine::draw(app, layout.body, buffer),
        (Tab::Charts, _) => charts::draw(app, layout.body, buffer),
        (Tab::Mailboxes, pane) => {
            table::draw(app, layout.body, buffer);
            match pane {
                Some(Pane::Details) => details::draw(app, layout.pane, buffer),
                Some(Pane::Logs) => {
                    let only = app.logs.only.as_ref().map(|(_, only)| format!(" of {}", visible(&mask::shown(only, app.mask()))));
                    let (only, level) = (only.unwrap_or_default(), tabs::level(app));
                    let rule = format!("─ log{only} ─ {level} {}", "─".repeat(usize::from(layout.pane.width)));
                    buffer.set_stringn(layout.pane.x, layout.pane.y, rule, usize::from(layout.pane.width), app.theme.style(Role::Faint));
                    logs::draw(app, log_pane(layout), buffer);
                }
                None => {}
            }
        }
    }
    bar::draw(app, layout.bar, buffer);
    dialogs::draw(app, layout.bar.union(layout.head), buffer);
}

/// What is drawn there.
pub(crate) fn spot(app: &App, area: Rect, x: u16, y: u16) -> Spot {
    let layout = Layout::new(app, area);
    if layout.tabs.contains((x, y).into()) {
        return tabs::spot(app, x);
    }
    match app.tab {
        Tab::Quarantine if quarantine::list(app, layout.body).contains((x, y).into()) => {
            Spot::Row(app.quarantine.list.offset + usize::from(y - quarantine::list(app, layout.body).y))
        }
        Tab::Logs if logs::list(app, layout.body).contains((x, y).into()) => {
            Spot::Row(app.logs.list.offset + usize::from(y - layout.body.y))
        }
        Tab::Mailboxes if y > layout.body.y && layout.body.contains((x, y).into()) => {
            Spot::Row(app.table.list.offset + usize::from(y - layout.body.y - 1))
        }
        _ => Spot::Nothing,
    }
}

/// The terminal's title.
pub(crate) fn title(app: &App) -> String {
    head::title(app)
}
