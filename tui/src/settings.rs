//! How the dashboard is to look and behave.

use crate::{figures::Zone, keymap::Keymap, mask::Mask};

/// Settings of the dashboard.
#[derive(Clone, Debug)]
pub struct Settings {
    /// It runs in the process that does the work: to quit stops the work, after a question, and to detach does not.
    pub own: bool,
    /// Which key asks for what.
    pub keymap: Keymap,
    /// Whether colours are used.
    pub color: Color,
    /// Which ones; none to see from the terminal.
    pub theme: Option<Colors>,
    /// Frames and signs of ASCII alone. So it is anyway on a terminal that calls itself dumb.
    pub ascii: bool,
    /// Whether addresses are hidden: from the beginning, and as a key has it since.
    pub mask: Mask,
    /// The mouse selects and scrolls; the terminal's own selection then needs Shift.
    pub mouse: bool,
    /// The terminal's title tells how far it is.
    pub title: bool,
    /// The terminal's bell rings at the first error and at the end.
    pub bell: bool,
    /// Whose time of day is shown.
    pub zone: Zone,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            own: false,
            keymap: Keymap::default(),
            color: Color::Auto,
            theme: None,
            ascii: false,
            mask: Mask::default(),
            mouse: true,
            title: true,
            bell: false,
            zone: Zone::Local,
        }
    }
}

/// Whether colours are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Color {
    /// Unless `NO_COLOR` is set, or the terminal has none.
    #[default]
    Auto,
    /// Yes.
    Always,
    /// No.
    Never,
}

/// Which colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colors {
    /// For a dark background.
    Dark,
    /// For a light background.
    Light,
    /// The terminal's own sixteen, whatever they look like.
    Sixteen,
}
