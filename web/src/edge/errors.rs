//! `error/*`: what the codes mean (T/TCCIA 0002-2022 7.6: uniform error codes one can look up).

use pki_config::ErrorCode;

use crate::api::{ErrorInfo, ErrorList, ErrorRef, Nothing, Words};
use crate::app::App;
use crate::problem::Failure;
use crate::router::Stranger;

/// `error/list`.
pub async fn list(_: App, _: Stranger, _: Nothing) -> Result<ErrorList, Failure> {
    Ok(ErrorList { errors: ErrorCode::ALL.iter().map(|code| info(*code)).collect() })
}

/// `error/describe`.
pub async fn describe(_: App, _: Stranger, ask: ErrorRef) -> Result<ErrorInfo, Failure> {
    let found = ErrorCode::ALL.iter().find(|code| code.as_str() == ask.code);
    found.map(|code| info(*code)).ok_or_else(|| Failure::new(ErrorCode::NotFound))
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
