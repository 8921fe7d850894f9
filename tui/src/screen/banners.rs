//! What keeps the whole from its work, one line each, with the time until it is tried again.
//!
//! ```text
//! ▲ nothing can be stored: disk full · tried 3 times, again in 0:42
//! ▲ beta-1: connection lost: connection refused · again in 0:07
//! ```

use ratatui::{buffer::Buffer, layout::Rect, style::Modifier, widgets::Widget};

use super::strip::{piece, strip};
use crate::{
    app::App,
    figures::{clock, length, until},
    fleet::{Instance, Link, RESTARTED},
    mask,
    safe::visible,
    theme::Role,
};

struct Banner {
    role: Role,
    text: String,
    /// What must not be cut off.
    end: String,
}

pub(super) fn count(app: &App) -> usize {
    app.fleet().instances.iter().map(|instance| banners(app, instance).len()).sum()
}

pub(super) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    let mut all: Vec<_> = app.fleet().instances.iter().flat_map(|instance| banners(app, instance)).collect();
    // The gravest are seen where there is no room for all.
    all.sort_by_key(|banner| banner.role != Role::Bad);
    for (banner, y) in all.into_iter().zip(area.y..area.bottom()) {
        let style = app.theme.style(banner.role);
        let line = Rect { x: area.x + 1, y, width: area.width.saturating_sub(2), height: 1 };
        let room = usize::from(line.width).saturating_sub(crate::safe::width(&banner.end) + 3);
        let sign = if banner.role == Role::Dim { "·" } else { "▲" };
        let text = crate::safe::clip(&format!("{sign} {}", banner.text), room);
        let span = |text: String| app.theme.span(text, banner.role).style(style.add_modifier(Modifier::BOLD));
        let end = if banner.end.is_empty() { String::new() } else { format!("· {}", banner.end) };
        strip(line.width, 1, vec![piece(1, [vec![span(text)]]), piece(2, [vec![span(end)]])], Vec::new()).render(line, buffer);
    }
}

fn banners(app: &App, instance: &Instance) -> Vec<Banner> {
    let (now, head) = (app.now(), &instance.status.head);
    let several = app.fleet().instances.len() > 1;
    let named = |text: String| {
        let text = if several { format!("{}: {text}", instance.name()) } else { text };
        visible(&mask::shown(&text, app.mask())).into_owned()
    };
    let mut all = Vec::new();
    let mut add = |role, text: String, end: String| all.push(Banner { role, text: named(text), end });
    match &instance.link {
        Link::Awaited => add(Role::Dim, format!("connecting to {}", instance.name()), String::new()),
        Link::Live => {}
        Link::Lost { reason, again } if !instance.met() => {
            add(Role::Bad, format!("not reached yet: {reason}"), format!("trying again in {}", clock(until(*again, now))));
        }
        Link::Lost { again, .. } if instance.over() => {
            add(Role::Dim, "has ended".into(), format!("looking for it again in {}", clock(until(*again, now))));
        }
        Link::Lost { reason, again } => {
            let since = length((now - instance.heard()).num_seconds());
            add(Role::Bad, format!("connection lost: {reason}"), format!("{since} old, trying again in {}", clock(until(*again, now))));
        }
        Link::Closed { reason: Some(reason) } => add(Role::Bad, format!("it is over: {reason}"), String::new()),
        Link::Closed { reason: None } if instance.replay.is_some() => add(Role::Dim, "the recording is over".into(), String::new()),
        Link::Closed { reason: None } => {}
    }
    if instance.restarted(now) {
        add(Role::Warn, RESTARTED.into(), String::new());
    }
    if let Some(trouble) = &head.sink_trouble {
        let end = format!("tried {} times, again in {}", trouble.attempts, clock(until(trouble.until, instance.clock(now))));
        add(Role::Bad, format!("nothing can be stored: {}", trouble.reason), end);
    }
    if let Some(trouble) = &head.config_trouble {
        let since = format!("for {}", length((instance.clock(now) - trouble.since).num_seconds()));
        add(Role::Warn, format!("the new configuration is refused, the old one runs on: {}", trouble.reason), since);
    }
    all
}
