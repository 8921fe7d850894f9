//! Colours by what they mean, and the signs that say the same without them.

use ratatui::{
    buffer::Buffer,
    style::{Color as Paint, Modifier, Style},
    text::Span,
};

use crate::{
    settings::{Color, Colors, Settings},
    status::{FolderState, Level, Mailbox, MailboxState, State},
};

/// What a piece of text means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Plain,
    Strong,
    Dim,
    Faint,
    Accent,
    Good,
    Warn,
    Bad,
    Selected,
}

/// The colours in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Theme {
    colors: Option<Colors>,
    pub(crate) ascii: bool,
}

impl Theme {
    /// As the settings want it, or as the terminal says of itself.
    pub(crate) fn new(settings: &Settings, env: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name| env(name).is_some_and(|value| !value.is_empty());
        let term = env("TERM").unwrap_or_default();
        let dumb = matches!(term.as_str(), "dumb" | "vt100" | "vt220");
        let wanted = match settings.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => !set("NO_COLOR") && !dumb,
        };
        let many =
            set("COLORTERM") || term.contains("256") || term.contains("direct") || ["xterm-kitty", "alacritty", "foot"].contains(&&*term);
        // The background's number, where the terminal tells it: seven and above eight are light.
        let background = env("COLORFGBG").and_then(|value| value.rsplit(';').next()?.parse::<u8>().ok());
        let colors = settings.theme.unwrap_or(match background {
            _ if !many => Colors::Sixteen,
            Some(7 | 9..) => Colors::Light,
            _ => Colors::Dark,
        });
        Self { colors: wanted.then_some(colors), ascii: settings.ascii || term == "dumb" }
    }

    /// A piece of text that means this.
    pub(crate) fn span(self, text: impl Into<String>, role: Role) -> Span<'static> {
        Span::styled(text.into(), self.style(role))
    }

    /// How it looks. Bold, dim and reversed are no colours.
    pub(crate) fn style(self, role: Role) -> Style {
        let plain = Style::new();
        let Some(colors) = self.colors else {
            return match role {
                Role::Strong | Role::Bad | Role::Warn | Role::Accent => plain.add_modifier(Modifier::BOLD),
                Role::Faint => plain.add_modifier(Modifier::DIM),
                Role::Selected => plain.add_modifier(Modifier::REVERSED),
                Role::Plain | Role::Dim | Role::Good => plain,
            };
        };
        let paint = |dark, light, sixteen| match colors {
            Colors::Dark => Paint::Indexed(dark),
            Colors::Light => Paint::Indexed(light),
            Colors::Sixteen => sixteen,
        };
        match role {
            Role::Plain => plain,
            Role::Strong => plain.add_modifier(Modifier::BOLD),
            Role::Dim => plain.fg(paint(246, 241, Paint::Gray)),
            Role::Faint => plain.fg(paint(240, 250, Paint::DarkGray)),
            Role::Accent => plain.fg(paint(75, 26, Paint::Cyan)),
            Role::Good => plain.fg(paint(114, 28, Paint::Green)),
            Role::Warn => plain.fg(paint(215, 130, Paint::Yellow)),
            Role::Bad => plain.fg(paint(203, 160, Paint::Red)),
            Role::Selected if colors == Colors::Sixteen => plain.add_modifier(Modifier::REVERSED),
            Role::Selected => plain.bg(paint(237, 254, Paint::Reset)),
        }
    }
}

/// The sign, the word and the look of a state of the whole.
pub(crate) fn state(state: State) -> (&'static str, &'static str, Role) {
    match state {
        State::Starting => ("·", "STARTING", Role::Dim),
        State::Listing => ("◌", "LISTING", Role::Accent),
        State::Syncing => ("▸", "SYNCING", Role::Accent),
        State::Throttled => ("◔", "THROTTLED", Role::Warn),
        State::Degraded => ("▲", "DEGRADED", Role::Bad),
        State::Idle => ("○", "IDLE", Role::Good),
        State::Paused => ("‖", "PAUSED", Role::Warn),
        State::Stopping => ("■", "STOPPING", Role::Warn),
        State::Ended => ("✓", "ENDED", Role::Good),
    }
}

/// The same of a mailbox.
pub(crate) fn mailbox(state: MailboxState) -> (&'static str, &'static str, Role) {
    match state {
        MailboxState::Queued => ("·", "queued", Role::Dim),
        MailboxState::Listing => ("◌", "listing", Role::Accent),
        MailboxState::Syncing => ("▸", "syncing", Role::Accent),
        MailboxState::Waiting => ("◔", "waiting", Role::Warn),
        MailboxState::Idle => ("○", "idle", Role::Good),
        MailboxState::Degraded => ("▲", "degraded", Role::Bad),
        MailboxState::Paused => ("‖", "paused", Role::Warn),
        MailboxState::Stopped => ("✗", "stopped", Role::Bad),
        MailboxState::Done => ("✓", "done", Role::Good),
    }
}

/// The same of a mailbox as the end of its run left it.
pub(crate) fn left(of: &Mailbox) -> (&'static str, &'static str, Role) {
    match of.state {
        MailboxState::Done | MailboxState::Degraded | MailboxState::Stopped | MailboxState::Paused => mailbox(of.state),
        _ if of.complete => mailbox(MailboxState::Done),
        _ if of.figures.stored > 0 => ("◇", "partial", Role::Warn),
        _ => ("·", "not read", Role::Warn),
    }
}

/// The same of a folder.
pub(crate) fn folder(state: FolderState) -> (&'static str, &'static str, Role) {
    match state {
        FolderState::Queued => ("·", "queued", Role::Dim),
        FolderState::Listing => ("◌", "listing", Role::Accent),
        FolderState::Syncing => ("▸", "syncing", Role::Accent),
        FolderState::Done => ("✓", "done", Role::Good),
        FolderState::More => ("◇", "more", Role::Plain),
        FolderState::Failed => ("✗", "failed", Role::Bad),
    }
}

/// The same of how grave a line of the log is.
pub(crate) fn level(level: Level) -> (&'static str, &'static str, Role) {
    match level {
        Level::Error => ("✗", "error", Role::Bad),
        Level::Warn => ("▲", "warn", Role::Warn),
        Level::Info => ("·", "info", Role::Plain),
        Level::Debug => (" ", "debug", Role::Dim),
    }
}

/// The same of a mailbox under work of which nothing comes.
pub(crate) const STALLED: (&str, &str, Role) = ("△", "stalled", Role::Warn);

/// Makes a drawn screen one of ASCII alone: our own signs become others, strangers' letters question marks.
pub(crate) fn to_ascii(buffer: &mut Buffer) {
    for cell in &mut buffer.content {
        if cell.symbol().is_ascii() {
            continue;
        }
        let sign = cell.symbol().chars().next().map_or(" ", |character| match character {
            '━' | '╸' => "=",
            '─' | '╌' | '–' | '╴' => "-",
            '│' | '‖' | '┃' => "|",
            '┌' | '┐' | '└' | '┘' | '├' | '┤' | '┬' | '┴' | '┼' | '╭' | '╮' | '╰' | '╯' => "+",
            '·' | '▂' => ".",
            '▁' => "_",
            '▃' => "-",
            '▄' => ":",
            '▅' => "=",
            '▆' => "+",
            '▇' => "*",
            '█' => "#",
            '░' => ":",
            '◌' | '○' => "o",
            '▸' | '→' | '›' => ">",
            '▾' => "v",
            '▴' => "^",
            '◔' | '…' | '≈' => "~",
            '▲' | '△' => "!",
            '■' | '✗' => "x",
            '✓' => "+",
            '◇' => "*",
            '×' => "x",
            '•' => "*",
            '↵' => "<",
            _ => "?",
        });
        cell.set_symbol(sign);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn theme(settings: &Settings, env: &[(&str, &str)]) -> Theme {
        Theme::new(settings, |name| env.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn the_terminal_is_believed_unless_a_person_says_otherwise() {
        let auto = Settings::default();
        let many = ("TERM", "xterm-256color");
        assert_eq!(theme(&auto, &[many]).colors, Some(Colors::Dark));
        assert_eq!(theme(&auto, &[many, ("COLORFGBG", "0;15")]).colors, Some(Colors::Light));
        assert_eq!(theme(&auto, &[("TERM", "xterm")]).colors, Some(Colors::Sixteen));
        assert_eq!(theme(&auto, &[many, ("NO_COLOR", "1")]).colors, None);
        assert_eq!(theme(&auto, &[many, ("NO_COLOR", "")]).colors, Some(Colors::Dark), "an empty one is none");
        assert_eq!(theme(&auto, &[("TERM", "dumb")]), Theme { colors: None, ascii: true });
        let always = Settings { color: Color::Always, theme: Some(Colors::Light), ..Settings::default() };
        assert_eq!(theme(&always, &[("NO_COLOR", "1")]).colors, Some(Colors::Light));
    }
}
