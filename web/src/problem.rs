//! Any error → HTTP. Callers get the code, one sentence in both languages and a request id; what an
//! operator needs goes to the log under that id. Neither holds secrets; the log holds no personal data.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use ledger::DbError;
use ledger::audit::AuditError;
use pki_config::ErrorCode;
use pki_config::role::Denied;

use crate::api::{LintFinding, Problem, Words};

/// Why a call was not done, on its way to the caller.
#[derive(Debug)]
pub struct Failure {
    code: ErrorCode,
    detail: Option<String>,
    findings: Vec<LintFinding>,
    for_operator: Option<String>,
}

impl Failure {
    /// A failure with nothing to add to its code.
    #[must_use]
    pub const fn new(code: ErrorCode) -> Self {
        Self { code, detail: None, findings: Vec::new(), for_operator: None }
    }

    /// With a sentence the caller may see.
    #[must_use]
    pub fn saying(code: ErrorCode, detail: impl ToString) -> Self {
        Self { detail: Some(detail.to_string()), ..Self::new(code) }
    }

    /// With a sentence only the operator may see.
    #[must_use]
    pub fn inside(code: ErrorCode, for_operator: impl ToString) -> Self {
        Self { for_operator: Some(for_operator.to_string()), ..Self::new(code) }
    }

    /// With a sentence for both: whoever asks runs the installation.
    #[must_use]
    pub fn telling(code: ErrorCode, detail: impl ToString) -> Self {
        let detail = Some(detail.to_string());
        Self { for_operator: detail.clone(), detail, ..Self::new(code) }
    }

    /// The public code.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        self.code
    }

    /// A caller's fault may be told to the caller in full and says nothing to the operator; it may
    /// hold a name. Everything else is the other way round.
    fn from_error(code: ErrorCode, error: &impl ToString) -> Self {
        if is_callers_fault(code) {
            Self::saying(code, error.to_string())
        } else {
            Self::inside(code, error.to_string())
        }
    }

    /// Writes what an operator must know to the log, under the request's id.
    pub fn log(&self, request_id: &str, what: &str) {
        let (code, detail) = (self.code.as_str(), self.for_operator.as_deref().unwrap_or(""));
        if is_callers_fault(self.code) {
            tracing::debug!(request_id, what, code, "refused");
        } else {
            tracing::warn!(request_id, what, code, detail, "failed");
        }
    }

    /// The body.
    #[must_use]
    pub fn problem(&self, request_id: &str) -> Problem {
        Problem {
            code: self.code.as_str().to_owned(),
            num: self.code.num(),
            message: Words { en: self.code.english().to_owned(), zh: self.code.chinese().to_owned() },
            detail: self.detail.clone(),
            findings: self.findings.clone(),
            retryable: self.code.retryable(),
            request_id: request_id.to_owned(),
        }
    }

    /// The whole answer.
    #[must_use]
    pub fn response(&self, request_id: &str) -> Response<Body> {
        let body = serde_json::to_vec(&self.problem(request_id)).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() =
            StatusCode::from_u16(self.code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match self.code {
            ErrorCode::MethodNotAllowed => {
                headers.insert(header::ALLOW, HeaderValue::from_static("POST"));
            }
            // RFC 9110 15.5.2: a 401 names a scheme.
            ErrorCode::Unauthenticated => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            ErrorCode::Busy | ErrorCode::TooManyTries | ErrorCode::VerifyRate => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
            }
            _ => {}
        }
        response
    }
}

fn is_callers_fault(code: ErrorCode) -> bool {
    code.num() / 100 % 10 == 1
}

impl From<ErrorCode> for Failure {
    fn from(code: ErrorCode) -> Self {
        Self::new(code)
    }
}

/// The rules an error of the authority is about.
pub(crate) fn broken_rules(error: &ca::Error) -> Vec<LintFinding> {
    let finding = |f: &ca::core::lint::Finding| LintFinding {
        lint: f.lint.to_string(),
        section: f.section.to_string(),
        detail: f.detail.to_string(),
    };
    error.findings().iter().map(finding).collect()
}

impl From<ca::Error> for Failure {
    fn from(error: ca::Error) -> Self {
        let findings = broken_rules(&error);
        let mut failure = Self::from_error(error.code(), &error);
        if !findings.is_empty() {
            failure.detail = None;
            failure.findings = findings;
        }
        failure
    }
}

impl From<tsa::Error> for Failure {
    fn from(error: tsa::Error) -> Self {
        match &error {
            // Both are for the caller: what is wrong with the request, or that the clock is unsure.
            tsa::Error::Rejected(rejection) => Self::saying(error.code(), rejection),
            _ => Self::from_error(error.code(), &error),
        }
    }
}

impl From<crypto_pool::Error> for Failure {
    fn from(error: crypto_pool::Error) -> Self {
        Self::from_error(error.code(), &error)
    }
}

impl From<eseal::Error> for Failure {
    fn from(error: eseal::Error) -> Self {
        match &error {
            // For the caller: what is wrong with the document, or what is not ready yet.
            eseal::Error::Document(_) | eseal::Error::Unready(_) | eseal::Error::NoTimeStamp(_) => {
                Self::saying(error.code(), &error)
            }
            _ => Self::from_error(error.code(), &error),
        }
    }
}

impl From<key_centre::Error> for Failure {
    fn from(error: key_centre::Error) -> Self {
        Self::from_error(error.code(), &error)
    }
}

impl From<ocsp::Error> for Failure {
    fn from(error: ocsp::Error) -> Self {
        Self::from_error(error.code(), &error)
    }
}

impl From<DbError> for Failure {
    fn from(error: DbError) -> Self {
        Self::inside(error.code(), format!("{error:?}"))
    }
}

impl From<AuditError> for Failure {
    fn from(error: AuditError) -> Self {
        match &error {
            // What the caller sees is what the operator needs: which of the two times is wrong.
            AuditError::ClockBehind { now, last } => Self::saying(
                error.code(),
                format!("the clock says {now}, the last entry {last}; mend the clock or run: yinxin clock accept"),
            ),
            _ => Self::inside(error.code(), format!("{error:?}")),
        }
    }
}

impl From<Denied> for Failure {
    fn from(denied: Denied) -> Self {
        Self::saying(ErrorCode::Forbidden, denied)
    }
}

macro_rules! bad_request {
    ($($source:ty => $code:ident,)*) => {
        $(impl From<$source> for Failure {
            fn from(error: $source) -> Self {
                Self::saying(ErrorCode::$code, error)
            }
        })*
    };
}

bad_request! {
    pki_config::ids::BadId => BadRequest,
    pki_config::time::BadTime => BadTime,
    pki_config::name::BadName => NameRefused,
    pki_config::identity::BadIdentity => NameRefused,
}

impl From<pki_config::ports::RandomFailed> for Failure {
    fn from(error: pki_config::ports::RandomFailed) -> Self {
        Self::inside(ErrorCode::RandomFailed, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inner_details_stay_inside() {
        let failure = Failure::from(DbError::Failed("/secret/path".into()));
        let body = serde_json::to_string(&failure.problem("r1")).unwrap();
        assert!(!body.contains("secret") && body.contains("\"request_id\":\"r1\""), "{body}");
    }

    #[test]
    fn a_callers_fault_is_explained_to_the_caller() {
        let failure = Failure::from("x".parse::<pki_config::RequestId>().unwrap_err());
        assert_eq!(failure.problem("r").detail.as_deref(), Some("expected 32 hexadecimal digits"));
        assert_eq!(failure.response("r").status(), 400);
    }

    #[test]
    fn a_busy_answer_says_when_to_come_back() {
        let response = Failure::new(ErrorCode::Busy).response("r");
        assert_eq!((response.status().as_u16(), response.headers().contains_key("retry-after")), (503, true));
    }
}
