//! Why a command did not do what was asked, and what to do about it.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use pki_config::ErrorCode;

use crate::api::{Problem, Words};
use crate::cli::language::Language;
use crate::cli::table::plain;

/// Why a command failed.
#[derive(Debug)]
pub enum Failure {
    /// The server answered with a problem.
    Refused(Box<Problem>),
    /// No server answered. Holds one whole sentence.
    Unreachable(String),
    /// Something on this machine is in the way. Holds one whole sentence.
    Here(String),
    /// The command line makes no sense. Holds one whole sentence.
    Usage(String),
    /// What was checked is not good; the answer was printed already.
    NotGood,
    /// What was checked is neither known to be good nor to be bad; the answer was printed already.
    Undecided,
    /// A check could not be run. Holds one whole sentence.
    NotRun(String),
}

impl Failure {
    /// `path` could not be read or written.
    #[must_use]
    pub fn file(path: &Path, error: &io::Error) -> Self {
        let why = match error.kind() {
            io::ErrorKind::NotFound => "no such file or folder".to_owned(),
            io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
            io::ErrorKind::AlreadyExists => "it exists already and is not overwritten".to_owned(),
            _ => error.to_string(),
        };
        Self::Here(format!("{}: {why}.", path.display()))
    }

    /// What an error of ours says, made a sentence.
    #[must_use]
    pub fn here(error: &dyn std::fmt::Display) -> Self {
        Self::Here(sentence(&error.to_string()))
    }

    /// The server's code, if a server answered.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        if let Self::Refused(problem) = self { Some(&problem.code) } else { None }
    }

    /// 1 for what was refused or not good, 2 for what could not be tried.
    #[must_use]
    pub const fn exit(&self) -> u8 {
        match self {
            Self::Refused(_) | Self::Unreachable(_) | Self::Here(_) | Self::NotGood => 1,
            Self::Usage(_) | Self::NotRun(_) | Self::Undecided => 2,
        }
    }

    /// Whether everything to say was said.
    #[must_use]
    pub const fn is_printed(&self) -> bool {
        matches!(self, Self::NotGood | Self::Undecided)
    }

    /// As the problem that `--json` prints.
    #[must_use]
    pub fn to_problem(&self) -> Problem {
        let (code, detail) = match self {
            Self::Refused(problem) => return (**problem).clone(),
            Self::Unreachable(sentence) => (ErrorCode::Unreachable, sentence),
            Self::Here(sentence) | Self::NotRun(sentence) => (ErrorCode::CommandFailed, sentence),
            Self::Usage(sentence) => (ErrorCode::BadRequest, sentence),
            Self::NotGood | Self::Undecided => (ErrorCode::CommandFailed, &String::new()),
        };
        Problem {
            code: code.as_str().to_owned(),
            num: code.num(),
            message: Words { en: code.english().to_owned(), zh: code.chinese().to_owned() },
            detail: (!detail.is_empty()).then(|| detail.clone()),
            findings: Vec::new(),
            retryable: code.retryable(),
            request_id: String::new(),
        }
    }

    /// As people read it: the sentence, the detail, each finding, and what to do next.
    #[must_use]
    pub fn to_text(&self, language: Language) -> String {
        let problem = match self {
            Self::Refused(problem) => problem,
            Self::Unreachable(sentence) | Self::Here(sentence) | Self::Usage(sentence) | Self::NotRun(sentence) => {
                return plain(sentence);
            }
            Self::NotGood | Self::Undecided => return String::new(),
        };
        let sentence = language.of(&problem.message.en, &problem.message.zh);
        let mut text = format!("{} ({})", plain(sentence), plain(&problem.code));
        if let Some(detail) = &problem.detail {
            let _ = write!(text, "\n  {}", plain(detail));
        }
        for finding in &problem.findings {
            let line = format!("- {} [{}]: {}", finding.lint, finding.section, finding.detail);
            let _ = write!(text, "\n  {}", plain(&line));
        }
        if let Some(next) = next_step(&problem.code, language) {
            let _ = write!(text, "\n{next}");
        }
        if problem.num / 100 % 10 >= 3 && !problem.request_id.is_empty() {
            let words = language.of("In the operator's log under", "运维日志编号");
            let _ = write!(text, "\n{words} {}.", plain(&problem.request_id));
        }
        text
    }
}

/// A text with a capital at its beginning and a full stop at its end.
#[must_use]
pub fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters.next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
    format!("{first}{}.", letters.as_str().trim_end_matches('.'))
}

/// What to do about a code, where there is something to do.
#[must_use]
pub fn next_step(code: &str, language: Language) -> Option<&'static str> {
    let code = ErrorCode::ALL.iter().find(|c| c.as_str() == code)?;
    let (en, zh) = match code {
        ErrorCode::Unreachable => ("Start it with `yinxin up`.", "请用 `yinxin up` 启动。"),
        ErrorCode::Sealed => ("Open it with `yinxin unseal`.", "请执行 `yinxin unseal` 解封。"),
        ErrorCode::UnsealFailed => ("Try again; the key is unharmed.", "请重试，密钥未受影响。"),
        ErrorCode::ShareRefused => {
            ("The shares that were accepted still count; the key is unharmed.", "已接受的分量仍然有效，密钥未受影响。")
        }
        ErrorCode::RootChange => (
            "`yinxin root show` tells what is under way; another officer asks with `yinxin root ask`.",
            "`yinxin root show` 可查看进行中的更换；须由另一名操作员先执行 `yinxin root ask`。",
        ),
        ErrorCode::ClockBehind => (
            "Set the clock right; only if the last entry's date was wrong: `yinxin clock accept --reason …`.",
            "请校正系统时钟；仅当最后一条日志的日期有误时，执行 `yinxin clock accept --reason …`。",
        ),
        ErrorCode::AuditBroken => (
            "`yinxin audit verify` names the damaged record; `yinxin restore` rebuilds from a backup.",
            "`yinxin audit verify` 可定位受损记录；`yinxin restore` 可从备份恢复。",
        ),
        ErrorCode::DiskFull => ("Free some space, then try again.", "请释放磁盘空间后重试。"),
        ErrorCode::Unauthenticated => (
            "Use --as with a credential made by `yinxin officer add` or `yinxin claim`.",
            "请用 --as 指定由 `yinxin officer add` 或 `yinxin claim` 生成的凭证。",
        ),
        ErrorCode::Forbidden => (
            "`yinxin officer list` shows who has which role; use that person's credential with --server and --as.",
            "`yinxin officer list` 可查看角色；请用 --server 与 --as 以相应人员的凭证操作。",
        ),
        ErrorCode::SameOfficer => (
            "Another officer who may do this must run the same command with their own credential.",
            "须由另一名有此权限的操作员用其本人凭证执行同一命令。",
        ),
        ErrorCode::LinkUsed => (
            "Ask an administrator for a new one: `yinxin officer add NAME --role R --link`.",
            "请管理员重新生成：`yinxin officer add NAME --role R --link`。",
        ),
        ErrorCode::RequestState => {
            ("`yinxin requests` lists those that wait.", "`yinxin requests` 可列出待处理的申请。")
        }
        ErrorCode::CertificateState => ("`yinxin show` tells its state.", "`yinxin show` 可查看证书状态。"),
        ErrorCode::OutcomeUnknown => {
            ("After a restart, `yinxin list` tells whether it was done.", "重启后可用 `yinxin list` 确认结果。")
        }
        ErrorCode::CrlMissing => ("`yinxin crl ISSUER` publishes one now.", "`yinxin crl ISSUER` 可立即发布。"),
        _ => return None,
    };
    Some(language.of(en, zh))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::LintFinding;

    fn lint_problem() -> Problem {
        Problem {
            code: "LINT_FAILED".to_owned(),
            num: 30106,
            message: Words { en: "It breaks a rule.".to_owned(), zh: "不符合规则。".to_owned() },
            detail: Some("2 rules".to_owned()),
            findings: vec![LintFinding {
                lint: "cn_not_in_san".to_owned(),
                section: "BR 7.1.4.3".to_owned(),
                detail: "a\u{1b}[31mb".to_owned(),
            }],
            retryable: false,
            request_id: "r1".to_owned(),
        }
    }

    #[test]
    fn each_finding_has_a_line_and_no_control_character_reaches_the_terminal() {
        let text = Failure::Refused(Box::new(lint_problem())).to_text(Language::English);
        assert_eq!(text, "It breaks a rule. (LINT_FAILED)\n  2 rules\n  - cn_not_in_san [BR 7.1.4.3]: a\u{fffd}[31mb");
        assert!(Failure::Refused(Box::new(lint_problem())).to_text(Language::Chinese).starts_with("不符合规则。"));
    }

    #[test]
    fn only_what_is_not_the_callers_fault_points_to_the_operators_log() {
        let mut problem = lint_problem();
        problem.num = ErrorCode::Internal.num();
        assert!(Failure::Refused(Box::new(problem)).to_text(Language::English).contains("r1"));
        assert!(!Failure::Refused(Box::new(lint_problem())).to_text(Language::English).contains("r1"));
    }

    #[test]
    fn usage_is_told_apart_by_its_exit_status() {
        assert_eq!(Failure::Usage(String::new()).exit(), 2);
        assert_eq!(Failure::Unreachable(String::new()).exit(), 1);
        assert_eq!(Failure::NotGood.exit(), 1);
        assert_eq!(Failure::NotRun(String::new()).exit(), 2);
    }

    #[test]
    fn a_sealed_root_key_names_the_command_that_opens_it() {
        assert!(next_step("SEALED", Language::English).unwrap().contains("yinxin unseal"));
        assert!(next_step("SEALED", Language::Chinese).unwrap().contains("yinxin unseal"));
        assert_eq!(next_step("NO_SUCH_CODE", Language::English), None);
    }
}
