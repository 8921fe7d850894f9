//! A terminal that was closed, and whoever waits for keys from it.

use std::{io, os::fd::OwnedFd, sync::OnceLock};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    pipe::{PipeFlags, pipe_with},
    stdio::dup2_stdin,
};

/// Where nothing ever comes from: the end of a pipe into which nobody writes.
static SILENCE: OnceLock<OwnedFd> = OnceLock::new();

/// Whether the terminal was closed, as a window or a connection is. From then on nothing comes from standard input.
pub(crate) fn is_gone() -> bool {
    let input = io::stdin();
    let mut looked = [PollFd::new(&input, PollFlags::empty())];
    let gone = poll(&mut looked, Some(&Timespec::default())).is_ok() && looked[0].revents().contains(PollFlags::HUP);
    if gone {
        // A terminal that was closed gives an end, again and again, and crossterm 0.29 asks again and again: a whole processor for as long as the
        // process lives on. Where this fails, it does.
        let _ = silence();
    }
    gone
}

fn silence() -> rustix::io::Result<()> {
    let (nothing, kept) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
    dup2_stdin(nothing)?;
    // Were it closed, that would be an end again. Of two that are kept one is enough.
    let _ = SILENCE.set(kept);
    Ok(())
}
