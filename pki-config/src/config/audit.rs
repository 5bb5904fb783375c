//! `[audit]`: where the heads of the log are copied to.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::ConfigError;

/// Where the heads of the log are copied to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuditConfig {
    /// Files that get each signed checkpoint as one line (base64 DER). Absolute paths, at most 8.
    /// Default: none. Put them where this server cannot rewrite them: only then does a cut tail of the
    /// log show (`audit verify --expect`).
    pub checkpoint_to: Vec<PathBuf>,
}

impl AuditConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let key = "audit.checkpoint_to";
        if self.checkpoint_to.len() > 8 {
            return Err(ConfigError::Value {
                key,
                why: format!("{} files, at most 8 are taken", self.checkpoint_to.len()),
            });
        }
        match self.checkpoint_to.iter().find(|p| !p.is_absolute()) {
            Some(path) => Err(ConfigError::Value { key, why: format!("{} is not an absolute path", path.display()) }),
            None => Ok(()),
        }
    }
}
