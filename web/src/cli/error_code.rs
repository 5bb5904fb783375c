//! `yinxin error`: what a code means.

use pki_config::ErrorCode;

use crate::api::{ErrorInfo, ErrorList, Words};
use crate::cli::console::Console;
use crate::cli::failure::{Failure, next_step};
use crate::cli::table::{Table, plain};

/// Explains one code, or lists all.
///
/// # Errors
/// There is no such code.
pub fn run(console: Console, code: Option<&str>) -> Result<(), Failure> {
    let Some(asked) = code else { return list(console) };
    let is_it = |code: &&ErrorCode| code.as_str().eq_ignore_ascii_case(asked) || code.num().to_string() == asked;
    let code = ErrorCode::ALL
        .iter()
        .find(is_it)
        .ok_or_else(|| Failure::Usage(format!("There is no error code {}; `yinxin error` lists all.", plain(asked))))?;
    console.answer(&info(*code), || {
        let mut table = Table::pairs();
        table.row(["Code", &format!("{} ({})", code.as_str(), code.num())]);
        table.row(["English", code.english()]);
        table.row(["中文", code.chinese()]);
        table.row(["HTTP status", &code.http_status().to_string()]);
        table.row(["Retry", if code.retryable() { "may succeed later, unchanged" } else { "fails again, unchanged" }]);
        if let Some(next) = next_step(code.as_str(), console.language) {
            table.row(["Next", next]);
        }
        table.to_string()
    })
}

fn list(console: Console) -> Result<(), Failure> {
    let list = ErrorList { errors: ErrorCode::ALL.iter().map(|code| info(*code)).collect() };
    console.answer(&list, || {
        let mut table = Table::new(["NUMBER", "CODE", "MEANING"]);
        for code in ErrorCode::ALL {
            let meaning = console.language.of(code.english(), code.chinese());
            table.row([&code.num().to_string(), code.as_str(), meaning]);
        }
        table.to_string()
    })
}

fn info(code: ErrorCode) -> ErrorInfo {
    ErrorInfo {
        code: code.as_str().to_owned(),
        num: code.num(),
        http: code.http_status(),
        message: Words { en: code.english().to_owned(), zh: code.chinese().to_owned() },
        retryable: code.retryable(),
    }
}
