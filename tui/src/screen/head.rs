//! What the whole is doing, how far it is, how fast, and until when.
//!
//! ```text
//! ▸ SYNCING  1:12:09  412,331 of 1,204,882 messages  18.2 of ~53 GB     alpha-0 · shard 1/4 · Graph → ./mail
//! ━━━━━━━━━━━━━━━━━━━━━━━━╸──────────────────────────────────────────── 34 %  ETA 18:25–19:10 in 41–86 min
//! 212/s · 9.1 MB/s  15 min: 190/s · 8.2 MB/s         37/120 mailboxes  3 troubled  4 errors  12 quarantined
//! ```

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
    widgets::Widget,
};

use super::{
    meter,
    strip::{Piece, piece, strip},
};
use crate::{
    app::App,
    figures::{brief, bytes, clock, count, percent, rate, speed},
    fleet::Link,
    mask,
    safe::visible,
    status::{Head, State},
    theme::{self, Role, Theme},
};

pub(super) const HEIGHT: u16 = 3;

pub(super) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    let head = app.fleet().head(app.now());
    let inner = Rect { x: area.x + 1, width: area.width.saturating_sub(2), height: 1, ..area };
    let lines = [first(app, &head, inner.width), second(app, &head, inner.width), third(app.theme, &head, inner.width)];
    for (line, y) in lines.into_iter().zip(area.y..area.bottom()) {
        line.render(Rect { y, ..inner }, buffer);
    }
}

fn first(app: &App, head: &Head, width: u16) -> Line<'static> {
    let theme = app.theme;
    let (sign, word, role) = state(app, head);
    let state = vec![theme.span(format!("{sign} {word}"), role).style(theme.style(role).patch(theme.style(Role::Strong)))];
    let figures = &head.totals.figures;
    let strong = |text: String| theme.span(text, Role::Strong);
    let dim = |text: String| theme.span(text, Role::Dim);
    let messages = if counting(head) {
        piece(8, [vec![strong(count(figures.listed)), dim(" listed".into())], vec![strong(brief(figures.listed)), dim(" listed".into())]])
    } else {
        piece(
            8,
            [
                vec![strong(count(figures.stored)), dim(format!(" of {} messages", head.totals.goal(count)))],
                vec![strong(count(figures.stored)), dim(format!(" of {}", head.totals.goal(count)))],
                vec![strong(brief(figures.stored)), dim(format!(" of {}", head.totals.goal(brief)))],
            ],
        )
    };
    let stored = match expected(head) {
        Some(all) => vec![strong(bytes(figures.bytes)), dim(format!(" of ~{}", bytes(all)))],
        None => vec![strong(bytes(figures.bytes))],
    };
    let short = vec![strong(bytes(figures.bytes))];
    let stored = piece(5, if figures.bytes > 0 { vec![stored, short] } else { Vec::new() });
    // What was there before this run began; the sum is of mailboxes that were looked at so far.
    let before = head.totals.in_sink > figures.stored;
    let least = if head.totals.counted < head.totals.mailboxes { "+" } else { "" };
    let there = |n: String| vec![dim(format!("{n}{least} in the sink"))];
    let there = piece(4, if before { vec![there(count(head.totals.in_sink)), there(brief(head.totals.in_sink))] } else { Vec::new() });
    let elapsed = piece(9, [vec![dim(clock((head.at - head.started).num_seconds()))]]);
    let left = if nothing_yet(app) { vec![piece(10, [state])] } else { vec![piece(10, [state]), elapsed, messages, stored, there] };
    strip(width, 3, left, identity(app, head, width))
}

/// Who it is, of several how many are heard; which share it has, by which interface, and where to.
fn identity(app: &App, head: &Head, width: u16) -> Vec<Piece> {
    let (theme, instances) = (app.theme, &app.fleet().instances);
    let shown = |text: &str| visible(&mask::shown(text, app.mask())).into_owned();
    let dim = |text: String| vec![theme.span(text, Role::Dim)];
    let lost = app.fleet().lost();
    let name = match &instances[..] {
        [one] => shown(one.name()),
        all if lost > 0 => format!("{} instances, {lost} lost", all.len()),
        all => format!("{} instances", all.len()),
    };
    let mut pieces = vec![piece(3, [dim(name)])];
    let api = visible(&head.api).into_owned();
    let share = head.shard.map(|shard| format!("{}/{}", u64::from(shard.index) + 1, shard.total));
    match share {
        // On the smallest screens it is told shortly, and messages give way to it.
        Some(share) if width < 70 => pieces.push(piece(9, [dim(format!("{share} {api}"))])),
        Some(share) => pieces.push(piece(6, [dim(format!("shard {share} · {api}")), dim(format!("{share} {api}"))])),
        None if !api.is_empty() => pieces.push(piece(6, [dim(api)])),
        None => {}
    }
    if !head.sink.is_empty() {
        pieces.push(piece(2, [dim(format!("→ {}", shown(&head.sink)))]));
    }
    pieces
}

fn second(app: &App, head: &Head, width: u16) -> Line<'static> {
    let theme = app.theme;
    let part = progress(head);
    let mut behind: Vec<Span<'static>> = Vec::new();
    if let Some(percent) = part.and_then(|(done, all)| percent(done, all)) {
        behind.push(theme.span(format!(" {percent:>3} %"), Role::Strong));
    }
    if let Some(eta) = head.eta {
        let zone = app.settings.zone;
        behind.push(theme.span("   ETA ", Role::Dim));
        behind.push(theme.span(zone.range(eta, head.at), Role::Strong));
        if width >= 90 {
            behind.push(theme.span(format!("   in {}", span(head, eta)), Role::Dim));
        }
    } else if app.fleet().lost() > 0 && part.is_some_and(|(done, all)| done < all) {
        behind.push(theme.span("   ETA unknown", Role::Dim));
    } else if head.state == State::Syncing && part.is_some() {
        behind.push(theme.span("   ETA unknown yet", Role::Dim));
    }
    let taken: usize = behind.iter().map(Span::width).sum();
    let (_, _, role) = state(app, head);
    let mut spans = meter::bar(theme, part, usize::from(width).saturating_sub(taken), role);
    spans.extend(behind);
    Line::from(spans)
}

/// How long it still takes: `41–86 min`, in the unit of the longer one.
fn span(head: &Head, eta: crate::status::Eta) -> String {
    let [from, to] = [eta.earliest, eta.latest].map(|at| (at - head.at).num_seconds().max(0));
    let (unit, name) = match to {
        0..120 => (1, "s"),
        120..7200 => (60, "min"),
        7200..172_800 => (3600, "h"),
        _ => (86_400, "d"),
    };
    let [from, to] = [from, to].map(|seconds| (seconds + unit / 2) / unit);
    if from == to { format!("{to} {name}") } else { format!("{from}–{to} {name}") }
}

fn third(theme: Theme, head: &Head, width: u16) -> Line<'static> {
    let dim = |text: String| theme.span(text, Role::Dim);
    let rates = |minute: &crate::status::Rate| format!("{} · {}", rate(minute.messages), speed(minute.bytes));
    let left = vec![
        piece(9, [vec![theme.span(rates(&head.last_minute), Role::Plain)], vec![theme.span(rate(head.last_minute.messages), Role::Plain)]]),
        piece(
            2,
            [vec![dim(format!("15 min {}", rates(&head.last_quarter)))], vec![dim(format!("15 min {}", rate(head.last_quarter.messages)))]],
        ),
    ];
    let totals = &head.totals;
    let told = |weight, n: u64, long: &str, short: &str, sign: &str, role| {
        (n > 0).then(|| {
            let form = |word: &str| vec![theme.span(format!("{sign} {} {word}", count(n)), role)];
            piece(weight, [form(long), form(short)])
        })
    };
    let errors = if totals.errors == 1 { "error" } else { "errors" };
    let mut right = vec![piece(
        8,
        [
            vec![dim(format!("{}/{} mailboxes", count(totals.complete), count(totals.mailboxes)))],
            vec![dim(format!("{}/{}", count(totals.complete), count(totals.mailboxes)))],
        ],
    )];
    right.extend(told(7, totals.troubled, "troubled", "troubled", "▲", Role::Bad));
    right.extend(told(6, totals.errors, errors, "err", "✗", Role::Bad));
    right.extend(told(6, totals.quarantined, "quarantined", "quar", "■", Role::Warn));
    let waits = if totals.throttled == 1 { "wait" } else { "waits" };
    right.extend(told(1, totals.throttled, waits, waits, "◔", Role::Dim));
    strip(width, 3, left, right)
}

/// Whether there is nothing yet that could be a part of something: only a count that grows.
fn counting(head: &Head) -> bool {
    let nothing_stored = head.totals.figures.stored == 0;
    (nothing_stored && matches!(head.state, State::Starting | State::Listing))
        || (head.totals.figures.goal() == 0 && head.state != State::Idle)
}

fn nothing_yet(app: &App) -> bool {
    app.fleet().instances.iter().all(|instance| instance.status.head.run.is_empty() && instance.link != Link::Live)
}

/// What is done of what; none while that cannot be told.
fn progress(head: &Head) -> Option<(u64, u64)> {
    let figures = &head.totals.figures;
    match head.state {
        State::Idle | State::Ended if figures.stored >= figures.goal() && head.totals.unmet == 0 => Some((1, 1)),
        _ if counting(head) || figures.goal() == 0 => None,
        _ => Some((figures.stored, head.totals.likely())),
    }
}

/// All bytes, as many as those stored make likely; none before enough are.
pub(super) fn expected(head: &Head) -> Option<u64> {
    let figures = &head.totals.figures;
    let all = head.totals.likely();
    let likely = figures.bytes as f64 / figures.stored as f64 * all as f64;
    (figures.stored >= 100 && all > figures.stored).then_some(likely as u64)
}

/// What the whole is doing, as far as anybody knows.
fn state(app: &App, head: &Head) -> (&'static str, &'static str, Role) {
    let instances = &app.fleet().instances;
    // Where those that are still heard have ended, too, nothing goes on that anybody knows of.
    match app.fleet().lost() > 0 && instances.iter().all(|instance| instance.lost() || instance.over()) {
        true => ("▲", "LOST", Role::Bad),
        false => theme::state(head.state),
    }
}

/// `73 % ETA 18:40`, `34 % 1 lost`.
pub(super) fn title(app: &App) -> String {
    let head = app.fleet().head(app.now());
    let (_, word, _) = state(app, &head);
    let mut words = match progress(&head).and_then(|(done, all)| percent(done, all)) {
        Some(percent) => format!("{percent} %"),
        None => word.to_lowercase(),
    };
    let lost = app.fleet().lost();
    if lost > 0 {
        words = match app.fleet().instances.len() {
            all if all == lost => word.to_lowercase(),
            _ => format!("{words} {lost} lost"),
        };
    } else if let Some(eta) = head.eta {
        words += &format!(" ETA {}", app.settings.zone.wall(eta.latest, head.at));
    } else if matches!(head.state, State::Degraded | State::Throttled | State::Paused | State::Ended) && progress(&head).is_some() {
        words += &format!(" {}", word.to_lowercase());
    }
    words + " · exchange-sync"
}
