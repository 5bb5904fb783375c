//! What every error answer looks like, and the list of errors.

use serde::{Deserialize, Serialize};

/// The body of every error answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Problem {
    /// Stable word, see `pki_config::code`.
    pub code: String,
    /// Stable number.
    pub num: u32,
    /// The sentence in both languages.
    pub message: Words,
    /// What exactly, where the caller may know it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// For `LINT_FAILED`: each broken rule.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<LintFinding>,
    /// Whether the same call may succeed later.
    pub retryable: bool,
    /// Under which the operator's log has the details.
    pub request_id: String,
}

/// A sentence in both languages.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Words {
    /// English.
    pub en: String,
    /// Chinese.
    pub zh: String,
}

/// One broken rule.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LintFinding {
    /// The rule's name, such as `cn_not_in_san`.
    pub lint: String,
    /// Where the rule stands, such as `BR 7.1.4.3`.
    pub section: String,
    /// What was found.
    pub detail: String,
}

/// `error/describe`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorRef {
    /// The word, such as `LINT_FAILED`.
    pub code: String,
}

/// Answer of `error/describe`, and an element of `error/list`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ErrorInfo {
    /// Stable word.
    pub code: String,
    /// Stable number.
    pub num: u32,
    /// The HTTP status it comes with.
    pub http: u16,
    /// The sentence in both languages.
    pub message: Words,
    /// Whether the same call may succeed later.
    pub retryable: bool,
}

/// `error/list`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ErrorList {
    /// Every code there is.
    pub errors: Vec<ErrorInfo>,
}
