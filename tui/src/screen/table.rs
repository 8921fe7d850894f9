//! Mailboxes, worst first, and their folders.
//!
//! ```text
//!     MAILBOX             STATE     DONE  ━━━━━━━━  MESSAGES  RATE  OF LATE   BYTES  LAG  QUAR  BUDGET  WAIT / WHY
//! › ▲ ann@example.com     degraded   34%  ━━╸─────  1,2/3,4   …     ▁▂▃▄▅     …      …    2     ━─ 34%  4:12 the server is busy
//!   ▸ bob@example.com ▾   syncing    …
//!   ✓ ├ Inbox             done       …
//! ```

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::Modifier,
    text::{Line, Span},
    widgets::Widget,
};

use super::{
    cells::Subject,
    columns::{Column, GAP, MARGIN, Wants, layout},
};
use crate::{
    app::{App, Order},
    fleet::Link,
    safe::{clip, fit, right, width},
    theme::Role,
};

pub(super) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    let columns = layout(area.width, wants(app));
    title(app, &columns).render(Rect { height: 1, ..area }, buffer);
    let rows = &app.table.rows;
    if rows.is_empty() && area.height > 2 {
        let line = Rect { y: area.y + 2, height: 1, ..area };
        app.theme.span(format!("    {}", empty(app)), Role::Dim).render(line, buffer);
    }
    for (place, y) in (app.table.list.offset..rows.len()).zip(area.y + 1..area.bottom()) {
        let (row, line) = (&rows[place], Rect { y, height: 1, ..area });
        let last = rows.get(place + 1).is_none_or(|next| next.folder.is_none());
        let Some(subject) = Subject::new(app, row, last) else { continue };
        let selected = place == app.table.list.cursor;
        if selected {
            buffer.set_style(line, app.theme.style(Role::Selected));
        }
        let mut text = Line::default();
        let (sign, _, role) = subject.state();
        text.push_span(app.theme.span(if selected { "› " } else { "  " }, Role::Accent));
        text.push_span(app.theme.span(format!("{sign} "), role));
        for (at, (column, columns)) in columns.iter().enumerate() {
            if at > 0 {
                text.push_span(Span::raw(" ".repeat(GAP)));
            }
            text.spans.extend(exactly(subject.cell(*column, *columns), *columns, column.right()));
        }
        text.render(line, buffer);
        if subject.gone() {
            // What is from before is seen as such whatever it said.
            buffer.set_style(line, app.theme.style(Role::Faint).add_modifier(Modifier::DIM));
        }
    }
}

fn title(app: &App, columns: &[(Column, usize)]) -> Line<'static> {
    let sorted = match app.table.order {
        Order::Worst => None,
        Order::Name => Some(Column::Name),
        Order::State => Some(Column::State),
        Order::Stored => Some(Column::Count),
        Order::Progress => Some(Column::Percent),
        Order::Rate => Some(Column::Rate),
        Order::Bytes => Some(Column::Bytes),
        Order::Lag => Some(Column::Lag),
        Order::Quarantine => Some(Column::Quarantine),
    };
    let mut line = Line::from(Span::raw(" ".repeat(MARGIN)));
    for (at, (column, columns)) in columns.iter().enumerate() {
        let mark = match (Some(*column) == sorted, app.table.reverse) {
            (false, _) => "",
            (true, false) => "▾",
            (true, true) => "▴",
        };
        let name = if *column == Column::Name && app.table.folders { "FOLDER" } else { column.title() };
        let name = format!("{name}{mark}");
        let name = if column.right() { right(&name, *columns) } else { fit(&name, *columns) };
        if at > 0 {
            line.push_span(Span::raw(" ".repeat(GAP)));
        }
        line.push_span(app.theme.span(name, if mark.is_empty() { Role::Dim } else { Role::Strong }));
    }
    line
}

/// Pieces in exactly so many columns.
fn exactly(spans: Vec<Span<'static>>, columns: usize, at_right: bool) -> Vec<Span<'static>> {
    let mut rest = columns;
    let mut out = Vec::with_capacity(spans.len() + 1);
    for span in spans {
        let taken = width(&span.content);
        if taken > rest {
            out.push(Span::styled(clip(&span.content, rest), span.style));
            rest -= width(&out[out.len() - 1].content);
            break;
        }
        rest -= taken;
        out.push(span);
    }
    let blank = Span::raw(" ".repeat(rest));
    out.insert(if at_right { 0 } else { out.len() }, blank);
    out
}

/// Points of the sparks in a table that is drawn there; none where there is no room for them.
pub(super) fn sparks(app: &App, area: Rect) -> Option<usize> {
    let columns = if area.height > 1 { layout(area.width, wants(app)) } else { Vec::new() };
    columns.into_iter().find_map(|(column, columns)| (column == Column::Spark).then_some(columns))
}

fn wants(app: &App) -> Wants {
    let instances = &app.fleet().instances;
    let names = instances.iter().map(|instance| width(instance.name())).max();
    let any = |instance: &crate::fleet::Instance| instance.status.mailboxes.values().any(|mailbox| mailbox.budget.is_some());
    // Room for the mark of what is unfolded.
    let longest = if app.table.folders { 48 } else { app.table.names + 2 };
    Wants { names: longest, instances: names.filter(|_| instances.len() > 1), budget: instances.iter().any(any) }
}

fn empty(app: &App) -> &'static str {
    let heard = app.fleet().instances.iter().any(|instance| instance.link != Link::Awaited);
    match (app.table.filter.is_empty(), heard) {
        (false, _) => "nothing passes the filter",
        (true, true) => "no mailboxes",
        (true, false) => "nothing is heard yet",
    }
}
