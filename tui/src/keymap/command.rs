//! What a key may ask for.

macro_rules! commands {
    ($($command:ident $name:literal [$($keys:literal),*] $what:literal;)*) => {
        /// Something that a person at the dashboard may ask for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Command {
            $(#[doc = $what] $command,)*
        }

        impl Command {
            /// All of them, in the order in which help lists them.
            pub const ALL: &[Self] = &[$(Self::$command),*];

            /// Its name in a keymap file.
            pub fn name(self) -> &'static str {
                match self { $(Self::$command => $name,)* }
            }

            /// What it does, in a few words.
            pub fn what(self) -> &'static str {
                match self { $(Self::$command => $what,)* }
            }

            /// The keys that it has without a file.
            pub fn keys(self) -> &'static [&'static str] {
                match self { $(Self::$command => &[$($keys),*],)* }
            }
        }
    };
}

commands! {
    Up "up" ["k", "up"] "one row up";
    Down "down" ["j", "down"] "one row down";
    Left "fold" ["h", "left"] "fold, or up to the mailbox";
    Right "unfold" ["l", "right"] "unfold folders";
    Open "open" ["enter"] "unfold or fold; read a line whole";
    Top "top" ["g g", "home"] "to the first row";
    Bottom "bottom" ["G", "end"] "to the last row";
    PageUp "page-up" ["pgup"] "a page up";
    PageDown "page-down" ["pgdn"] "a page down";
    HalfUp "half-page-up" ["ctrl-u"] "half a page up";
    HalfDown "half-page-down" ["ctrl-d"] "half a page down";
    Mailboxes "mailboxes" ["1"] "mailboxes";
    Logs "logs" ["2"] "what happened";
    Quarantine "quarantine" ["3"] "messages in quarantine";
    Charts "charts" ["4"] "throughput and latency";
    Details "details" ["i"] "details of the mailbox";
    LogPane "log-pane" ["L"] "the log below the table";
    Expand "expand" ["e"] "details or log on the whole screen";
    Filter "filter" ["/"] "show only what holds a word";
    Sort "sort" ["s", "f6"] "sort by another column";
    SortBack "sort-back" ["S"] "sort by the column before";
    Reverse "reverse" ["R", "f7"] "turn the order round";
    Group "group" ["tab"] "mailboxes, or all folders in one";
    Freeze "freeze" ["space"] "hold the picture still";
    Mask "mask" ["x"] "hide addresses";
    Scale "time-scale" ["t"] "another stretch of time";
    Pause "pause" ["p"] "pause or resume the mailbox";
    PauseAll "pause-all" ["P"] "pause or resume all";
    Retry "retry" ["r"] "next round now, or message again";
    RetryAll "retry-all" ["A"] "all of the quarantine again";
    Verify "verify" ["v"] "compare with what was copied";
    Copy "copy" ["y"] "copy the id or the address";
    Reload "reload" ["u", "f5"] "ask for the quarantine anew";
    Follow "follow" ["f"] "stay at the log's newest line";
    MoreLog "more-log" ["+"] "less grave lines of the log too";
    LessLog "less-log" ["-"] "only graver lines of the log";
    OneMailbox "one-mailbox" ["m"] "log of the selected mailbox only";
    Help "help" ["?", "f1"] "this help";
    Back "back" ["esc"] "back";
    Redraw "redraw" ["ctrl-l"] "draw everything again";
    Suspend "suspend" ["ctrl-z"] "to the shell; fg comes back";
    Detach "detach" ["d"] "leave the view; the work goes on";
    Quit "quit" ["q"] "quit";
    Interrupt "interrupt" ["ctrl-c"] "quit without being asked";
}
