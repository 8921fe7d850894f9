//! Who holds a lock, and whether that process is dead: a process that was killed and started again must not wait for itself.

use std::fs;

use serde::{Deserialize, Serialize};

/// A process, as far as it can be told from others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Holder {
    /// The machine's, or container's, name.
    pub(super) host: String,
    /// The machine's boot: after another one all processes before are gone.
    pub(super) boot: String,
    /// Containers of one machine share its boot but not the numbers of their processes.
    pub(super) namespace: String,
    pub(super) pid: u32,
    /// When the process began, in ticks since the boot: numbers are used again.
    pub(super) started: u64,
}

impl Holder {
    /// This process.
    pub(super) fn own() -> Self {
        let read = |path: &str| fs::read_to_string(path).map(|text| text.trim().to_owned()).unwrap_or_default();
        let namespace = fs::read_link("/proc/self/ns/pid").map(|link| link.to_string_lossy().into_owned()).unwrap_or_default();
        let pid = std::process::id();
        Self {
            host: read("/proc/sys/kernel/hostname"),
            boot: read("/proc/sys/kernel/random/boot_id"),
            namespace,
            pid,
            started: started(pid).unwrap_or_default(),
        }
    }

    /// Whether this process is surely gone, seen from `own`, which is on the same machine. Of others nothing is known.
    pub(super) fn dead(&self, own: &Self) -> bool {
        let near = (&self.host, &self.boot, &self.namespace) == (&own.host, &own.boot, &own.namespace);
        let known = !own.boot.is_empty() && !own.namespace.is_empty() && own.started > 0;
        near && known && started(self.pid) != Some(self.started)
    }
}

/// When a process began; none where there is no such process (proc(5), /proc/pid/stat, field 22).
fn started(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is a name in parentheses, which may hold blanks and parentheses itself.
    let (_, rest) = stat.rsplit_once(") ")?;
    rest.split_ascii_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn the_living_are_told_from_the_dead_and_the_distant() {
        let own = Holder::own();
        assert!(!own.dead(&own));
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let other = Holder { pid: child.id(), started: started(child.id()).unwrap(), ..own.clone() };
        assert!(!other.dead(&own));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(other.dead(&own));
        assert!(Holder { started: 1, ..own.clone() }.dead(&own), "its number is used again");
        for distant in [
            Holder { host: "other".into(), ..other.clone() },
            Holder { boot: "other".into(), ..other.clone() },
            Holder { namespace: "other".into(), ..other.clone() },
        ] {
            assert!(!distant.dead(&own), "{distant:?}");
        }
    }
}
