//! The registration desk: requests, reviews, evidence, pick-up links, and what follows a certificate.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::api::request::{
    EvidenceAdd, EvidenceFile, EvidenceGiven, EvidenceInfo, EvidenceRef, Invite, Invited, Reissue, Rekey, Renew,
    RequestDetail, RequestQuery, RevokeAll, RevokedAll,
};
use crate::api::{CertRef, RequestInfo, RequestList, RequestRef};
use crate::cli::args::{self, EvidenceArgs, Global, RequestCommand};
use crate::cli::certs::name;
use crate::cli::client::Client;
use crate::cli::console::Console;
use crate::cli::failure::Failure;
use crate::cli::file;
use crate::cli::issue::{LARGEST_CSR, csr_text};
use crate::cli::table::{Table, plain};

/// The largest file of evidence that is read. Unit: bytes.
const LARGEST_EVIDENCE: usize = 5 * 1024 * 1024;

/// `yinxin requests`.
///
/// # Errors
/// The server refuses.
pub async fn requests(global: &Global, console: Console, args: args::Requests) -> Result<(), Failure> {
    let query = RequestQuery {
        queue: Some(args.queue),
        branch: args.branch.map(|branch| branch.to_string()),
        profile: args.profile,
        after: args.after,
        ..RequestQuery::default()
    };
    let list: RequestList = Client::of(global)?.call("cert/requests", &query).await?;
    console.answer(&list, || {
        if list.requests.is_empty() {
            return "No request.".to_owned();
        }
        let mut table = Table::new(["REQUEST", "STATE", "FILED", "BY", "PROFILE", "BRANCH", "NAME"]);
        for request in &list.requests {
            let name = name(&request.subject, &request.sans);
            let branch = request.branch.as_deref().unwrap_or("-");
            table.row([
                &request.request,
                &request.state,
                &request.at,
                &request.requester,
                &request.profile,
                branch,
                &name,
            ]);
        }
        let more = list.next.as_ref().map(|next| format!("More with --after {next}.\n")).unwrap_or_default();
        format!("{table}{more}Decide with `yinxin approve REQUEST` or `yinxin reject REQUEST --reason …`.")
    })
}

/// `yinxin request`.
///
/// # Errors
/// The server refuses, or a file cannot be read or written.
pub async fn request(global: &Global, console: Console, command: RequestCommand) -> Result<(), Failure> {
    let client = Client::of(global)?;
    match command {
        RequestCommand::Show { request } => {
            let ask = RequestRef { request: request.to_string() };
            let detail: RequestDetail = client.call("request/show", &ask).await?;
            console.answer(&detail, || detail_text(&detail))
        }
        RequestCommand::Review { request } => {
            let ask = RequestRef { request: request.to_string() };
            let info: RequestInfo = client.call("request/review", &ask).await?;
            console
                .answer(&info, || format!("Request {} is reviewed; somebody else approves it.", plain(&info.request)))
        }
        RequestCommand::Invite(args) => invite(&client, console, args).await,
        RequestCommand::Link { request } => {
            let ask = RequestRef { request: request.to_string() };
            let invited: Invited = client.call("request/link", &ask).await?;
            console.answer(&invited, || link_text(&invited))
        }
        RequestCommand::Evidence(args) => {
            let evidence = given(args.evidence)?
                .pop()
                .ok_or_else(|| Failure::Usage("Say with --method how the names were checked.".to_owned()))?;
            let ask = EvidenceAdd { request: args.request.to_string(), evidence };
            let info: EvidenceInfo = client.call("evidence/add", &ask).await?;
            console.answer(&info, || format!("Evidence {} is kept until {}.", plain(&info.evidence), info.expires))
        }
        RequestCommand::File { evidence, out } => {
            let ask = EvidenceRef { evidence: evidence.to_string() };
            let found: EvidenceFile = client.call("evidence/file", &ask).await?;
            let content = STANDARD
                .decode(&found.content)
                .map_err(|_| Failure::Here("The server sent a file that is not base64.".to_owned()))?;
            file::write_new(&out, &content, file::SECRET)?;
            console.answer(&found, || format!("{} is in {}.", plain(&found.name), out.display()))
        }
    }
}

async fn invite(client: &Client, console: Console, args: args::Invite) -> Result<(), Failure> {
    let ask = Invite {
        subject: args.subject,
        sans: args.san,
        identity: args.identity,
        profile: args.profile,
        issuer: args.issuer.map(|issuer| issuer.to_string()),
        days: args.days,
        branch: args.branch.map(|branch| branch.to_string()),
        contact: args.contact,
        evidence: given(args.evidence)?,
        link_days: Some(args.link_days),
    };
    let invited: Invited = client.call("request/invite", &ask).await?;
    console.answer(&invited, || link_text(&invited))
}

fn link_text(invited: &Invited) -> String {
    format!(
        "Request {} waits for its holder's key. This link is shown this once and works until {}:\n  {}",
        plain(&invited.request.request),
        invited.until,
        plain(&invited.link)
    )
}

/// What was typed about evidence: none or one piece.
fn given(args: EvidenceArgs) -> Result<Vec<EvidenceGiven>, Failure> {
    let Some(method) = args.method else { return Ok(Vec::new()) };
    let file = match &args.evidence {
        None => None,
        Some(path) => {
            let content = STANDARD.encode(file::read(path, LARGEST_EVIDENCE)?);
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            Some(EvidenceFile { name, content })
        }
    };
    Ok(vec![EvidenceGiven { method, note: args.note, expires: args.expires.map(|at| at.to_string()), file }])
}

fn detail_text(detail: &RequestDetail) -> String {
    let info = &detail.info;
    let mut table = Table::pairs();
    table.row(["Subject", &info.subject]);
    for san in info.sans.iter().chain(&info.identity) {
        table.row(["Also", san]);
    }
    table.row(["State", &info.state]);
    table.row(["Profile", &info.profile]);
    if let Some(key) = &detail.key {
        table.row(["Key", key]);
    }
    if let Some(sm3) = &detail.key_sm3 {
        table.row(["SM3 of the key", sm3]);
    }
    table.row(["Filed", &format!("{} by {}", info.at, info.requester)]);
    if let Some(reviewer) = &info.reviewer {
        table.row(["Reviewed by", reviewer]);
    }
    if let Some(approver) = &info.approver {
        table.row(["Decided by", approver]);
    }
    for evidence in &detail.evidence {
        let file = evidence.file.as_deref().unwrap_or("no file");
        let end = if evidence.expired { "expired" } else { "until" };
        table.row([
            "Evidence",
            &format!("{} {} {end} {}, {file}", evidence.evidence, evidence.method, evidence.expires),
        ]);
    }
    if let Some(reason) = &info.reason {
        table.row(["Reason", reason]);
    }
    if let Some(obstacle) = &detail.obstacle {
        table.row(["Not to be approved by you", obstacle]);
    }
    table.to_string()
}

/// `yinxin renew`.
///
/// # Errors
/// The certificate cannot be found or the server refuses.
pub async fn renew(global: &Global, console: Console, args: args::Renew) -> Result<(), Failure> {
    let CertRef { serial, issuer } = args.name.resolve()?;
    let ask = Renew { serial, issuer, days: args.days, evidence: given(args.evidence)? };
    filed(console, &Client::of(global)?.call("cert/renew", &ask).await?)
}

/// `yinxin rekey`.
///
/// # Errors
/// As [`renew`]; the file cannot be read.
pub async fn rekey(global: &Global, console: Console, args: args::Rekey) -> Result<(), Failure> {
    let CertRef { serial, issuer } = args.name.resolve()?;
    let csr = csr_in(&args.csr)?;
    let ask = Rekey { serial, issuer, csr, days: args.days, evidence: given(args.evidence)? };
    filed(console, &Client::of(global)?.call("cert/rekey", &ask).await?)
}

/// `yinxin reissue`.
///
/// # Errors
/// As [`rekey`].
pub async fn reissue(global: &Global, console: Console, args: args::Reissue) -> Result<(), Failure> {
    let CertRef { serial, issuer } = args.name.resolve()?;
    let ask = Reissue {
        serial,
        issuer,
        subject: args.subject,
        sans: (!args.san.is_empty()).then_some(args.san),
        csr: args.csr.as_deref().map(csr_in).transpose()?,
        days: args.days,
        evidence: given(args.evidence)?,
    };
    filed(console, &Client::of(global)?.call("cert/reissue", &ask).await?)
}

fn csr_in(path: &Path) -> Result<String, Failure> {
    Ok(csr_text(&file::read(path, LARGEST_CSR)?))
}

fn filed(console: Console, info: &RequestInfo) -> Result<(), Failure> {
    console
        .answer(info, || format!("Filed as request {0}. Somebody else types: yinxin approve {0}", plain(&info.request)))
}

/// `yinxin revoke-all`.
///
/// # Errors
/// The server refuses, or there are not as many as expected.
pub async fn revoke_all(global: &Global, console: Console, args: args::RevokeAll) -> Result<(), Failure> {
    let ask = RevokeAll {
        organisation: args.organisation,
        key: args.key,
        certificates: Vec::new(),
        reason: args.reason.to_string(),
        invalidity: args.invalidity.map(|at| at.to_string()),
        expected: args.expect,
    };
    let all: RevokedAll = Client::of(global)?.call("cert/revoke-all", &ask).await?;
    console.answer(&all, || {
        let mut table = Table::new(["SERIAL", "ISSUER", "SUBJECT", "NOT REVOKED"]);
        for line in &all.certificates {
            table.row([&line.serial, &line.issuer, &line.subject, line.problem.as_deref().unwrap_or("")]);
        }
        let said = if all.done {
            format!("{} revoked.", all.count)
        } else {
            format!("{} would be revoked. To revoke them, add --expect {}.", all.count, all.count)
        };
        if all.certificates.is_empty() { said } else { format!("{table}{said}") }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_is_given_with_its_file_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("dig.txt");
        std::fs::write(&path, "TXT").unwrap();
        assert!(given(EvidenceArgs::default()).unwrap().is_empty());
        let method = Some("domain-dns".to_owned());
        let one = given(EvidenceArgs { method: method.clone(), evidence: Some(path), ..EvidenceArgs::default() });
        let file = one.unwrap().remove(0).file.unwrap();
        assert_eq!((file.name.as_str(), file.content.as_str()), ("dig.txt", "VFhU"));
        let missing = Some(dir.path().join("none"));
        assert!(given(EvidenceArgs { method, evidence: missing, ..EvidenceArgs::default() }).is_err());
    }
}
