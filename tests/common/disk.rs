//! A small disk of its own, taken away at the end however that comes.

use std::{path::PathBuf, process::Command};

/// Where it is mounted.
pub struct SmallDisk(pub PathBuf);

impl SmallDisk {
    /// Mounts it, or mounts it otherwise; false where this user may not.
    pub fn mount(&self, options: &str) -> bool {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(&self.0).output().is_ok_and(|done| done.status.success())
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).output();
    }
}
