//! `yinxin issue`: key, request, certificate, files.

use std::net::IpAddr;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use crypto_pool::KeyAlgorithm;
use pki_config::name::{AltName, Attribute, DistinguishedName, SubjectAltName};

use crate::api::{CertRequest, Issued, IssuerInfo, IssuerRef, RequestInfo};
use crate::cli::args::{Global, Issue, KeyType};
use crate::cli::client::Client;
use crate::cli::console::Console;
use crate::cli::delivery::{CERTIFICATE, CHAIN, Folder, KEY, RECEIPT, folder_for};
use crate::cli::failure::Failure;
use crate::cli::new_key::NewKey;
use crate::cli::table::{Table, plain};
use crate::cli::{dual, file, pem};

/// Largest PKCS#10 file. Unit: bytes.
pub(super) const LARGEST_CSR: usize = 64 * 1024;

/// The profile whose names are checked here, before a key is made.
const TLS_SERVER: &str = "tls-server";

/// Runs it.
///
/// # Errors
/// The names do not fit, the folder holds files already, or the server refuses.
pub async fn run(global: &Global, console: Console, args: Issue) -> Result<(), Failure> {
    let client = Client::of(global)?;
    if dual::is_asked(&args) {
        let file_it = needs_approval(&client).await?;
        return dual::issue(&client, console, args, file_it).await;
    }
    let path = args.out.clone().unwrap_or_else(|| folder_for(&args.name));
    let mut request = CertRequest {
        csr: String::new(),
        subject: None,
        sans: args.san.clone(),
        identity: args.identity.clone(),
        profile: Some(args.profile.clone()),
        issuer: args.issuer.as_ref().map(ToString::to_string),
        days: args.days,
        ..CertRequest::default()
    };
    let file_it = needs_approval(&client).await?;
    if let Some(csr) = &args.csr {
        request.csr = csr_text(&file::read(csr, LARGEST_CSR)?);
        request.subject = args.subject.clone();
        // A request that is only filed brings nothing to write yet.
        let folder = if file_it { None } else { Some(Folder::prepare(&path, &[CERTIFICATE, CHAIN, RECEIPT])?) };
        return Order { request, file_it, made_key: false, folder }.send(&client, console, &args.name).await;
    }
    let names = Names::of(&args)?;
    let key = NewKey::generate(key_type(&client, &args).await?)?;
    request.csr = key.request(&names.subject, &names.sans)?;
    // The names stand in the request that the key signed.
    request.sans.clear();
    let folder = Folder::prepare(&path, &[KEY, CERTIFICATE, CHAIN, RECEIPT])?;
    if let Err(failure) = folder.write_key(&key.to_pem()?) {
        folder.discard();
        return Err(failure);
    }
    Order { request, file_it, made_key: true, folder: Some(folder) }.send(&client, console, &args.name).await
}

/// Everything is ready to be sent.
struct Order {
    request: CertRequest,
    /// File it for approval instead of having it issued at once.
    file_it: bool,
    /// The folder holds a key that was made for it.
    made_key: bool,
    /// Where the certificate will go; none when it comes later and no key was made.
    folder: Option<Folder>,
}

impl Order {
    async fn send(self, client: &Client, console: Console, name: &str) -> Result<(), Failure> {
        if self.file_it {
            return match client.call::<_, RequestInfo>("cert/submit", &self.request).await {
                Ok(filed) => console.answer(&filed, || filed_text(&filed, self.folder.as_ref())),
                Err(failure) => Err(give_up(failure, self.folder, self.made_key)),
            };
        }
        let issued: Issued = match client.call("cert/issue", &self.request).await {
            Ok(issued) => issued,
            Err(failure) => return Err(give_up(failure, self.folder, self.made_key)),
        };
        let Some(folder) = self.folder else { return console.answer(&issued, || issued.certificate.clone()) };
        folder.write_issued(&issued)?;
        console.answer(&issued, || issued_text(name, &issued, &folder, self.made_key))
    }
}

/// Takes the key away if nothing can have been issued for it; keeps it, and says so, where that is not sure.
fn give_up(failure: Failure, folder: Option<Folder>, made_key: bool) -> Failure {
    let Some(folder) = folder else { return failure };
    if !made_key {
        folder.discard();
        return failure;
    }
    if is_definite(&failure) {
        folder.discard_key();
        return failure;
    }
    let kept = folder.path().join(KEY);
    let note = format!(
        "Whether a certificate was issued is not known (see `yinxin list`); its key is kept in {}.",
        kept.display()
    );
    match failure {
        Failure::Refused(mut problem) => {
            problem.detail = Some(problem.detail.map_or(note.clone(), |detail| format!("{detail} {note}")));
            Failure::Refused(problem)
        }
        Failure::Unreachable(why) => Failure::Unreachable(format!("{why} {note}")),
        other => other,
    }
}

/// Whether the answer means that no certificate was made: the caller's fault, or refused before signing.
pub(super) fn is_definite(failure: &Failure) -> bool {
    let Failure::Refused(problem) = failure else { return false };
    let code = pki_config::ErrorCode::ALL.iter().find(|c| c.as_str() == problem.code);
    code.is_some_and(|code| !matches!(code.num() / 100 % 10, 4) && *code != pki_config::ErrorCode::Timeout)
}

/// In production a certificate takes two people: the first only files the request.
async fn needs_approval(client: &Client) -> Result<bool, Failure> {
    Ok(client.health().await?.setup == "production")
}

/// The kind of key: as asked, else what the issuer can certify.
async fn key_type(client: &Client, args: &Issue) -> Result<KeyAlgorithm, Failure> {
    if let Some(kind) = args.key_type {
        return Ok(kind.algorithm());
    }
    let Some(issuer) = &args.issuer else { return Ok(KeyType::Sm2.algorithm()) };
    let issuer: IssuerInfo = client.call("issuer/show", &IssuerRef { issuer: issuer.to_string() }).await?;
    Ok(if issuer.algorithm == "sm2" { KeyType::Sm2 } else { KeyType::P256 }.algorithm())
}

/// A PKCS#10 as the interface takes it: PEM as it is, DER as base64.
pub(super) fn csr_text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if pem::is_pem(bytes) => text.to_owned(),
        _ => BASE64.encode(bytes),
    }
}

/// What the certificate will call its holder.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Names {
    pub(super) subject: DistinguishedName,
    pub(super) sans: SubjectAltName,
}

impl Names {
    pub(super) fn of(args: &Issue) -> Result<Self, Failure> {
        let wrong = |e: pki_config::name::BadName| Failure::Usage(format!("This name cannot be used: {e}."));
        let subject: DistinguishedName = match &args.subject {
            Some(subject) => subject.parse().map_err(wrong)?,
            None => DistinguishedName::common_name(&args.name).map_err(wrong)?,
        };
        let mut sans: Vec<AltName> = args.san.iter().map(|san| san.parse()).collect::<Result<_, _>>().map_err(wrong)?;
        if args.profile.trim_start_matches("dual-").starts_with(TLS_SERVER) {
            if sans.is_empty() {
                sans.push(server_name(&args.name)?);
            }
            if let Some(common_name) = subject.get(Attribute::CommonName) {
                check_common_name(common_name, &sans)?;
            }
        }
        Ok(Self { subject, sans: SubjectAltName::new(sans).map_err(wrong)? })
    }
}

/// The DNS name or address that a TLS server is called by.
fn server_name(name: &str) -> Result<AltName, Failure> {
    if let Ok(address) = name.parse::<IpAddr>() {
        return Ok(AltName::ip(address));
    }
    AltName::dns(name).map_err(|_| {
        Failure::Usage(format!(
            "{:?} is neither a DNS name nor an address, which the profile tls-server needs; name one with \
             --san dns:… or choose another profile, such as --profile person.",
            plain(name)
        ))
    })
}

/// A TLS server's common name must be one of its alternative names (CA/Browser BR 7.1.4.3): browsers read
/// only those, and a name that stands in one place only misleads people.
fn check_common_name(common_name: &str, sans: &[AltName]) -> Result<(), Failure> {
    let is_it = |san: &AltName| {
        san.value().eq_ignore_ascii_case(common_name)
            || common_name.parse::<IpAddr>().is_ok_and(|address| AltName::ip(address) == *san)
    };
    if sans.iter().any(is_it) {
        return Ok(());
    }
    let kind = if common_name.parse::<IpAddr>().is_ok() { "ip" } else { "dns" };
    let common_name = plain(common_name);
    Err(Failure::Usage(format!(
        "The common name {common_name} is not among the alternative names; add --san {kind}:{common_name}, or give a \
         --subject whose CN is one of them."
    )))
}

fn issued_text(name: &str, issued: &Issued, folder: &Folder, made_key: bool) -> String {
    let mut table = Table::pairs();
    table.row(["  serial", &issued.serial]);
    table.row(["  issuer", &issued.issuer]);
    table.row(["  valid", &format!("{} to {}", issued.not_before, issued.not_after)]);
    let key = if made_key { "key.pem " } else { "" };
    table.row(["  files", &format!("{}: {key}cert.pem chain.pem receipt.json", shown(folder))]);
    format!("Issued {}\n{table}", plain(name))
}

fn filed_text(filed: &RequestInfo, folder: Option<&Folder>) -> String {
    let mut text = format!("Request {} is filed; it waits for another officer, who types:\n", plain(&filed.request));
    text.push_str(&format!("  yinxin approve {} --server URL --as THEIR-CREDENTIAL\n", plain(&filed.request)));
    match folder {
        Some(folder) => {
            let place = shown(folder);
            text.push_str(&format!(
                "Your key is in {place}/key.pem. Once approved, `yinxin list --name …` tells the serial, and\n  \
                 yinxin show SERIAL --out {place}\n"
            ));
        }
        None => {
            text.push_str("Once approved, `yinxin list --name …` tells the serial; `yinxin show SERIAL --out DIR`\n")
        }
    }
    text.push_str("fetches the certificate.");
    text
}

fn shown(folder: &Folder) -> String {
    let path: PathBuf = folder.path().to_owned();
    plain(&path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::{Cli, Command};
    use clap::Parser;

    fn names(line: &[&str]) -> Result<Names, String> {
        let cli = Cli::try_parse_from(["yinxin", "issue"].iter().chain(line)).unwrap();
        let Some(Command::Issue(args)) = cli.command else { panic!("not issue") };
        Names::of(&args).map_err(|failure| match failure {
            Failure::Usage(why) => why,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn a_servers_name_is_its_common_name_and_its_alternative_name() {
        let both = names(&["www.example.cn"]).unwrap();
        assert_eq!(both.subject.to_string(), "CN=www.example.cn");
        assert_eq!(both.sans.to_string(), "dns:www.example.cn");
        assert_eq!(names(&["192.0.2.7"]).unwrap().sans.to_string(), "ip:192.0.2.7");
        assert_eq!(names(&["*.example.cn"]).unwrap().sans.to_string(), "dns:*.example.cn");
    }

    #[test]
    fn a_common_name_outside_the_alternative_names_is_refused_with_what_to_add() {
        let why = names(&["www.example.cn", "--san", "dns:example.cn"]).unwrap_err();
        assert!(why.contains("add --san dns:www.example.cn"), "{why}");
        assert!(names(&["www.example.cn", "--san", "dns:example.cn,dns:WWW.example.cn"]).is_ok());
        assert!(names(&["a", "--san", "dns:b.cn", "--subject", "CN=b.cn,C=CN"]).is_ok());
    }

    #[test]
    fn a_person_needs_another_profile() {
        let why = names(&["张三"]).unwrap_err();
        assert!(why.contains("--profile person"), "{why}");
        let person = names(&["张三", "--profile", "person", "--san", "email:z@example.cn"]).unwrap();
        assert_eq!(person.subject.to_string(), "CN=张三");
        assert_eq!(person.sans.to_string(), "email:z@example.cn");
    }

    #[test]
    fn a_name_that_breaks_a_rule_is_refused_before_anything_is_made() {
        assert!(names(&["a", "--san", "b.cn"]).is_err());
        assert!(names(&["a", "--subject", "XX=1"]).is_err());
        assert!(names(&["", "--profile", "person"]).is_err());
    }

    #[test]
    fn a_key_is_kept_unless_surely_nothing_was_issued_for_it() {
        let refused = |code: pki_config::ErrorCode| {
            let mut problem = Failure::Here(String::new()).to_problem();
            problem.code = code.as_str().to_owned();
            Failure::Refused(Box::new(problem))
        };
        use pki_config::ErrorCode as E;
        for code in [E::LintFailed, E::Forbidden, E::Sealed, E::DiskFull, E::Busy] {
            assert!(is_definite(&refused(code)), "{code}");
        }
        for code in [E::OutcomeUnknown, E::Internal, E::Timeout] {
            assert!(!is_definite(&refused(code)), "{code}");
        }
        assert!(!is_definite(&Failure::Unreachable(String::new())));
    }

    #[test]
    fn a_request_file_is_sent_as_pem_or_as_base64_of_its_der() {
        assert!(csr_text(b"-----BEGIN CERTIFICATE REQUEST-----\n").starts_with("-----BEGIN"));
        assert_eq!(csr_text(&[0x30, 0x82, 0x01, 0x00]), "MIIBAA==");
    }
}
