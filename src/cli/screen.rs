//! How the dashboard looks and behaves, as it is asked for on the command line.

use std::path::PathBuf;

use exchange_sync_tui::{Color, Colors, Keymap, Settings};

use super::console::Console;

/// Options of every dashboard.
#[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args)]
#[command(next_help_heading = "Dashboard")]
pub struct ScreenArgs {
    /// Whether the dashboard has colours; auto means unless NO_COLOR is set
    #[arg(long, value_enum, default_value_t)]
    color: ColorArg,
    /// Colours for a dark or a light background, or the terminal's own sixteen [default: seen from the terminal]
    #[arg(long, value_enum)]
    theme: Option<ThemeArg>,
    /// Draw with ASCII alone
    #[arg(long)]
    ascii: bool,
    /// Which key does what; `attach --print-keymap` prints the file to begin with
    #[arg(long, value_name = "FILE")]
    keymap: Option<PathBuf>,
    /// Leave the mouse to the terminal
    #[arg(long)]
    no_mouse: bool,
    /// Ring the terminal's bell at the first error and at the end
    #[arg(long)]
    bell: bool,
}

/// Whether there are colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum ColorArg {
    #[default]
    Auto,
    Always,
    Never,
}

/// Which colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum ThemeArg {
    Dark,
    Light,
    #[value(name = "16")]
    Sixteen,
}

impl ScreenArgs {
    /// What the dashboard on `console` is told; `own` where it belongs to the run that it shows. An error says what is wrong with the keymap.
    pub fn settings(&self, own: bool, mask: bool, console: &Console) -> Result<Settings, String> {
        let keymap = match &self.keymap {
            None => Keymap::default(),
            Some(file) => {
                let text =
                    std::fs::read_to_string(file).map_err(|error| format!("reading the keymap {} failed: {error}", file.display()))?;
                Keymap::parse(&text).map_err(|fault| format!("the keymap {}: {fault}", file.display()))?
            }
        };
        let color = match self.color {
            ColorArg::Auto => Color::Auto,
            ColorArg::Always => Color::Always,
            ColorArg::Never => Color::Never,
        };
        let theme = self.theme.map(|theme| match theme {
            ThemeArg::Dark => Colors::Dark,
            ThemeArg::Light => Colors::Light,
            ThemeArg::Sixteen => Colors::Sixteen,
        });
        let (ascii, mouse, bell, mask) = (self.ascii, !self.no_mouse, self.bell, console.mask(mask));
        Ok(Settings { own, keymap, color, theme, ascii, mask, mouse, bell, ..Settings::default() })
    }
}
