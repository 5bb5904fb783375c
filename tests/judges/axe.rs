//! axe-core as a judge of pages: whether people who see badly, or use a keyboard or a screen reader, can use them.

use std::path::PathBuf;
use std::sync::OnceLock;

use super::{judges_dir, left_out};

/// axe-core, a script to be run inside a page.
#[derive(Debug, Clone)]
pub struct Axe {
    script: &'static str,
}

impl Axe {
    /// The judge, if `YINXIN_JUDGE_AXE` names its `axe.min.js`, or `cargo gate` put one under `target/judges`.
    pub fn find() -> Option<Self> {
        static FOUND: OnceLock<Option<String>> = OnceLock::new();
        let found = FOUND.get_or_init(|| {
            let file = std::env::var_os("YINXIN_JUDGE_AXE")
                .map_or_else(|| judges_dir().join("axe/package/axe.min.js"), PathBuf::from);
            std::fs::read_to_string(file).ok()
        });
        if found.is_none() {
            left_out("axe-core: not installed; `cargo gate --only judges` installs it");
        }
        found.as_deref().map(|script| Self { script })
    }

    /// What to run in a page; afterwards it has `axe`.
    pub fn script(&self) -> &'static str {
        self.script
    }
}
