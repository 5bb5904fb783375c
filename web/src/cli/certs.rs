//! Certificates and requests: list, show, decide, revoke, suspend.

use std::path::Path;

use crypto_pool::cms::certificates_only;
use pki_config::Serial;

use crate::api::{
    AuditProof, AuditProofs, CertDetail, CertLine, CertPage, CertQuery, CertRef, Issued, Reject, RequestInfo,
    RequestRef, Revoke, StatusInfo,
};
use crate::cli::args::{self, CertName, Global};
use crate::cli::client::Client;
use crate::cli::console::Console;
use crate::cli::delivery::{CERTIFICATE, CHAIN, Folder, RECEIPT};
use crate::cli::failure::Failure;
use crate::cli::file;
use crate::cli::pem;
use crate::cli::table::{Table, plain};
use crate::csv;

impl CertName {
    /// The certificate meant: a file or a folder of that name if there is one, else a serial.
    ///
    /// # Errors
    /// Neither, or the file holds no certificate.
    pub fn resolve(&self) -> Result<CertRef, Failure> {
        Ok(CertRef {
            serial: serial_of(&self.certificate)?.to_string(),
            issuer: self.issuer.as_ref().map(ToString::to_string),
        })
    }
}

/// The serial that a text names: of the certificate in a file or folder, else itself in hexadecimal.
///
/// # Errors
/// It names neither.
pub fn serial_of(text: &str) -> Result<Serial, Failure> {
    let path = Path::new(text);
    let file = if path.is_dir() { path.join(CERTIFICATE) } else { path.to_owned() };
    if file.exists() {
        let certificates = pem::certificates_in(&file)?;
        let first = certificates.first().map(Vec::as_slice).unwrap_or_default();
        return pem::serial(first).map_err(|why| Failure::Here(format!("{}: {why}.", file.display())));
    }
    text.parse().map_err(|_| {
        Failure::Usage(format!(
            "{} is neither a file nor a serial number in hexadecimal, such as 4F0AC1….",
            plain(text)
        ))
    })
}

/// `yinxin approve`.
///
/// # Errors
/// The server refuses, or the folder holds files already.
pub async fn approve(global: &Global, console: Console, args: args::Approve) -> Result<(), Failure> {
    let client = Client::of(global)?;
    let folder = match &args.out {
        Some(out) => Some(Folder::prepare(out, &[CERTIFICATE, CHAIN, RECEIPT])?),
        None => None,
    };
    let ask = RequestRef { request: args.request.to_string() };
    let issued: Issued = match client.call("cert/approve", &ask).await {
        Ok(issued) => issued,
        Err(failure) => {
            folder.into_iter().for_each(Folder::discard);
            return Err(failure);
        }
    };
    if let Some(folder) = &folder {
        folder.write_issued(&issued)?;
    }
    console.answer(&issued, || {
        let mut table = Table::pairs();
        table.row(["  serial", &issued.serial]);
        table.row(["  issuer", &issued.issuer]);
        table.row(["  valid", &format!("{} to {}", issued.not_before, issued.not_after)]);
        format!("Approved and issued\n{table}")
    })
}

/// `yinxin reject`.
///
/// # Errors
/// The server refuses.
pub async fn reject(global: &Global, console: Console, args: args::Reject) -> Result<(), Failure> {
    let ask = Reject { request: args.request.to_string(), reason: args.reason };
    let info: RequestInfo = Client::of(global)?.call("cert/reject", &ask).await?;
    console.answer(&info, || format!("Request {} is rejected.", plain(&info.request)))
}

/// `yinxin revoke`.
///
/// # Errors
/// The certificate cannot be found or the server refuses.
pub async fn revoke(global: &Global, console: Console, args: args::Revoke) -> Result<(), Failure> {
    if args.reason == pki_config::status::Reason::CertificateHold {
        return Err(Failure::Usage("To suspend a certificate, use `yinxin hold`.".to_owned()));
    }
    let CertRef { serial, issuer } = args.name.resolve()?;
    let ask = Revoke {
        serial,
        issuer,
        reason: args.reason.to_string(),
        invalidity: args.invalidity.map(|at| at.to_string()),
    };
    let status: StatusInfo = Client::of(global)?.call("cert/revoke", &ask).await?;
    console.answer(&status, || {
        format!(
            "Revoked {} ({}); the next CRL of {} says so.",
            serial_of_status(&status),
            reason(&status),
            plain(&status.issuer)
        )
    })
}

/// `yinxin hold` and `yinxin release`: `verb` is `cert/hold` or `cert/release`.
///
/// # Errors
/// The certificate cannot be found or the server refuses.
pub async fn suspend(global: &Global, console: Console, verb: &str, args: CertName) -> Result<(), Failure> {
    let status: StatusInfo = Client::of(global)?.call(verb, &args.resolve()?).await?;
    console.answer(&status, || {
        let state = if verb == "cert/hold" { "is suspended; `yinxin release` takes it back" } else { "is good again" };
        format!("{} {state}.", serial_of_status(&status))
    })
}

fn serial_of_status(status: &StatusInfo) -> String {
    plain(&status.serial)
}

fn reason(status: &StatusInfo) -> String {
    plain(status.reason.as_deref().unwrap_or("unspecified"))
}

/// `yinxin list`.
///
/// # Errors
/// The server refuses.
pub async fn list(global: &Global, console: Console, args: args::List) -> Result<(), Failure> {
    let client = Client::of(global)?;
    let mut query = CertQuery {
        issuer: args.issuer.map(|issuer| issuer.to_string()),
        profile: args.profile,
        status: args.status,
        name: args.name,
        after: args.after,
        limit: Some(if args.all { 500 } else { args.limit }),
        ..CertQuery::default()
    };
    let mut page: CertPage = client.call("cert/list", &query).await?;
    while args.all && page.next.is_some() {
        query.after = page.next;
        let more: CertPage = client.call("cert/list", &query).await?;
        // A server that answers the same page for ever must not fill the memory.
        page.next = more.next.filter(|next| Some(*next) != query.after);
        page.certificates.extend(more.certificates);
    }
    console.answer(&page, || {
        if args.csv {
            return table_of(&page.certificates);
        }
        if page.certificates.is_empty() {
            return "No certificate.".to_owned();
        }
        let mut table = Table::new(["SERIAL", "STATUS", "ISSUER", "PROFILE", "LAST SECOND", "NAME"]);
        for line in &page.certificates {
            let name = name(&line.subject, &line.sans);
            table.row([&line.serial, &line.status, &line.issuer, &line.profile, &line.not_after, &name]);
        }
        let more =
            page.next.map(|next| format!("More with --after {next}, everything with --all.")).unwrap_or_default();
        format!("{table}{more}")
    })
}

/// The list as CSV, a head row first.
fn table_of(certificates: &[CertLine]) -> String {
    let mut text = csv::row(&["serial", "issuer", "status", "profile", "not_before", "not_after", "subject", "names"]);
    for line in certificates {
        let names = line.sans.join(" ");
        text += &csv::row(&[
            &line.serial,
            &line.issuer,
            &line.status,
            &line.profile,
            &line.not_before,
            &line.not_after,
            &line.subject,
            &names,
        ]);
    }
    text.trim_end().to_owned()
}

/// What people know a certificate by: its common name, else its subject, else its first alternative name.
pub(super) fn name(subject: &str, sans: &[String]) -> String {
    let parsed = subject.parse::<pki_config::name::DistinguishedName>().ok();
    let common = parsed.as_ref().and_then(|name| name.get(pki_config::name::Attribute::CommonName));
    match (common, subject.is_empty(), sans.first()) {
        (Some(common), _, _) => common.to_owned(),
        (None, true, Some(san)) => san.clone(),
        _ => subject.to_owned(),
    }
}

/// `yinxin show` of what the server knows.
///
/// # Errors
/// The certificate cannot be found, the server refuses, or the folder holds files already.
pub async fn show(global: &Global, console: Console, args: &args::Show) -> Result<(), Failure> {
    let [certificate] = args.what.as_slice() else {
        return Err(Failure::Usage("The server is asked about one certificate at a time.".to_owned()));
    };
    let client = Client::of(global)?;
    let which = CertName { certificate: certificate.clone(), issuer: args.issuer.clone() }.resolve()?;
    let detail: CertDetail = client.call("cert/show", &which).await?;
    if let Some(out) = &args.out {
        let folder = Folder::prepare(out, &[CERTIFICATE, CHAIN, RECEIPT])?;
        let ask = AuditProof { serial: Some(detail.line.serial.clone()), ..AuditProof::default() };
        let receipt = match client.call::<_, AuditProofs>("audit/proof", &ask).await {
            // The first is of its issue; later ones are of what happened to it.
            Ok(proofs) => proofs.receipts.into_iter().next(),
            // Only some roles may read the log; the certificate is of use without it.
            Err(failure) => {
                console.hint(&format!("No receipt: {}", failure.to_text(console.language)));
                None
            }
        };
        folder.write_certificate(&detail.certificate, &detail.chain, receipt.as_ref())?;
    }
    if let Some(file) = &args.p7b {
        let all = pem::certificates(format!("{}{}", detail.certificate, detail.chain).as_bytes())
            .map_err(|why| Failure::Here(format!("The server's answer cannot be used: {why}.")))?;
        file::write_new(file, &certificates_only(all.iter().map(Vec::as_slice)), file::PUBLIC)?;
    }
    console.answer(&detail, || detail_text(&detail))
}

fn detail_text(detail: &CertDetail) -> String {
    let line = &detail.line;
    let mut table = Table::pairs();
    table.row(["Subject", &line.subject]);
    for san in &line.sans {
        table.row(["Also", san]);
    }
    table.row(["Serial", &line.serial]);
    table.row(["Issuer", &line.issuer]);
    table.row(["Profile", &line.profile]);
    table.row(["First second", &line.not_before]);
    table.row(["Last second", &line.not_after]);
    let state = &detail.state;
    let status = match (&state.at, &state.reason) {
        (Some(at), Some(reason)) => format!("{} since {at}, {reason}", state.status),
        (Some(at), None) => format!("{} since {at}", state.status),
        (None, _) => line.status.clone(),
    };
    table.row(["Status", &status]);
    if let Some(since) = &state.invalidity {
        table.row(["Not to be trusted since", since]);
    }
    table.row(["Requested by", &detail.requester]);
    table.row(["Approved by", detail.approver.as_deref().unwrap_or("nobody else: one step")]);
    table.row(["Log entry", &detail.audit_seq.to_string()]);
    table.row(["SHA-256", &detail.sha256]);
    format!("{table}\n{}", detail.certificate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::test_pki::SM2_LEAF;

    fn resolved(text: &str) -> Result<String, Failure> {
        serial_of(text).map(|serial| serial.to_string())
    }

    #[test]
    fn a_certificate_is_named_by_serial_file_or_folder() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("cert.pem"), SM2_LEAF).unwrap();
        let file = dir.path().join("cert.pem");
        assert_eq!(resolved(file.to_str().unwrap()).unwrap(), "0A0B0C0D0E0F");
        assert_eq!(resolved(dir.path().to_str().unwrap()).unwrap(), "0A0B0C0D0E0F");
        assert_eq!(resolved("0a:0b:0c").unwrap(), "0A0B0C");
    }

    #[test]
    fn what_is_neither_is_refused() {
        assert!(matches!(resolved("no-such-file.pem"), Err(Failure::Usage(_))));
        let dir = tempfile::tempdir().unwrap();
        assert!(resolved(dir.path().to_str().unwrap()).is_err(), "an empty folder");
        std::fs::write(dir.path().join("cert.pem"), "x").unwrap();
        assert!(matches!(resolved(dir.path().to_str().unwrap()), Err(Failure::Here(_))));
    }

    #[test]
    fn a_list_is_a_table_whose_names_run_nothing() {
        let line = CertLine {
            serial: "4F".into(),
            issuer: "ec-issuing".into(),
            profile: "tls-server".into(),
            subject: "=cmd()".into(),
            sans: vec!["dns:a.cn".into(), "dns:b.cn".into()],
            not_before: "2026-11-21T08:00:00Z".into(),
            not_after: "2027-02-19T07:59:59Z".into(),
            status: "good".into(),
        };
        assert_eq!(
            table_of(&[line]),
            "serial,issuer,status,profile,not_before,not_after,subject,names\r\n\
             4F,ec-issuing,good,tls-server,2026-11-21T08:00:00Z,2027-02-19T07:59:59Z,'=cmd(),dns:a.cn dns:b.cn"
        );
    }

    #[test]
    fn a_certificate_is_listed_under_its_common_name_or_what_it_has() {
        let sans = ["dns:a.cn".to_owned()];
        assert_eq!(name("CN=张三,O=示例,C=CN", &sans), "张三");
        assert_eq!(name("O=示例,C=CN", &sans), "O=示例,C=CN");
        assert_eq!(name("", &sans), "dns:a.cn");
    }
}
