//! What is wrong with a package or its documents, apart from any one signature.

use super::super::finding::{Check, Finding, Outcome};

/// A fault: a stable word and a sentence in English and Chinese.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub code: &'static str,
    pub outcome: Outcome,
    pub en: String,
    pub zh: String,
}

impl Fault {
    fn fatal(code: &'static str, en: impl Into<String>, zh: impl Into<String>) -> Self {
        Self { code, outcome: Outcome::Fail, en: en.into(), zh: zh.into() }
    }

    pub fn duplicate(name: &str) -> Self {
        Self::fatal(
            "duplicate-entry",
            format!("The package holds two files named \"{name}\"; programs differ on which of them they show."),
            format!("文件包中有两个名为“{name}”的文件，不同软件显示的内容可能不同。"),
        )
    }

    pub fn outside(name: &str) -> Self {
        Self::fatal(
            "entry-outside",
            format!("The package holds a file whose name leads out of it: \"{name}\"."),
            format!("文件包中有文件名指向包外：“{name}”。"),
        )
    }

    pub fn headers_differ(name: &str) -> Self {
        Self::fatal(
            "headers-differ",
            format!("The package says two different things of the file \"{name}\"."),
            format!("文件包对文件“{name}”的两处描述不一致。"),
        )
    }

    pub fn hidden() -> Self {
        Self::fatal(
            "hidden-data",
            "The package holds data that its directory does not name; some programs would read it.",
            "文件包中有未列入目录的数据，某些软件会读取它。",
        )
    }

    pub fn broken(name: &str) -> Self {
        Self::fatal(
            "file-unreadable",
            format!("The file \"{name}\" does not unpack to what the package says of it."),
            format!("文件“{name}”解压后与文件包的描述不符。"),
        )
    }

    pub fn page_missing(name: &str) -> Self {
        Self::fatal(
            "page-missing",
            format!("The document names a page that is not in the package: \"{name}\"."),
            format!("文档引用的页面不在文件包中：“{name}”。"),
        )
    }

    pub fn malformed(name: &str, what: &str) -> Self {
        Self::fatal(
            "malformed",
            format!("The file \"{name}\" does not read: {what}."),
            format!("文件“{name}”无法读取：{what}。"),
        )
    }

    pub fn versions() -> Self {
        Self {
            code: "versions",
            outcome: Outcome::Warning,
            en: "The document keeps several versions of itself; only the one shown first was looked at.".to_owned(),
            zh: "文档包含多个版本，仅检查了默认显示的版本。".to_owned(),
        }
    }

    pub fn listed_twice(id: &str) -> Self {
        Self {
            code: "listed-twice",
            outcome: Outcome::Warning,
            en: format!("The list of signatures names \"{id}\" more than once."),
            zh: format!("签名列表中“{id}”重复出现。"),
        }
    }

    pub fn finding(&self) -> Finding {
        Finding::new(Check::Document, self.outcome, self.code, self.en.clone(), self.zh.clone())
    }
}
