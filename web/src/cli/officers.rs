//! Officers and their credentials.

use std::path::{Path, PathBuf};

use pki_config::name::{DistinguishedName, SubjectAltName};
use rustls::pki_types::CertificateDer;
use zeroize::Zeroizing;

use crate::api::{
    CredentialAsk, Nothing, OfficerAdd, OfficerAdded, OfficerClaim, OfficerInfo, OfficerList, OfficerRef,
};
use crate::cli::args::{Claim, Global, OfficerAddArgs, OfficerCommand};
use crate::cli::client::Client;
use crate::cli::console::Console;
use crate::cli::credential::{self, Credential};
use crate::cli::delivery::folder_for;
use crate::cli::failure::Failure;
use crate::cli::new_key::NewKey;
use crate::cli::table::{Table, plain};
use crate::cli::{file, pem, trust};

/// `yinxin officer`.
///
/// # Errors
/// The server refuses, or the credential cannot be written.
pub async fn run(global: &Global, console: Console, command: OfficerCommand) -> Result<(), Failure> {
    let client = Client::of(global)?;
    match command {
        OfficerCommand::Add(args) => add(&client, console, args).await,
        OfficerCommand::List => list(&client, console).await,
        OfficerCommand::Disable { officer } => {
            let info: OfficerInfo =
                client.call("officer/disable", &OfficerRef { officer: officer.to_string() }).await?;
            console.answer(&info, || format!("{} may do nothing here any more.", plain(&info.name)))
        }
    }
}

async fn list(client: &Client, console: Console) -> Result<(), Failure> {
    let list: OfficerList = client.call("officer/list", &Nothing {}).await?;
    console.answer(&list, || {
        let mut table = Table::new(["OFFICER", "ROLE", "STATE", "LOGS IN BY", "SINCE", "NAME"]);
        for officer in &list.officers {
            let credential = officer.credential.as_deref().unwrap_or("-");
            table.row([&officer.officer, &officer.role, &officer.state, credential, &officer.at, &officer.name]);
        }
        table.to_string()
    })
}

async fn add(client: &Client, console: Console, args: OfficerAddArgs) -> Result<(), Failure> {
    let ask = |credential| OfficerAdd { name: args.name.clone(), role: args.role.to_string(), credential };
    if args.link {
        let added: OfficerAdded = client.call("officer/add", &ask(CredentialAsk::Link)).await?;
        return console.answer(&added, || {
            let link = plain(added.link.as_deref().unwrap_or("?"));
            format!(
                "{} ({}) is invited. This link works once, for 15 minutes:\n  {link}\nThey type: yinxin claim '{link}'\n\
                 on another machine with --root FILE as well: give them roots/ec-root.pem of the data directory.",
                plain(&args.name),
                plain(&added.role)
            )
        });
    }
    let out = args.out.clone().unwrap_or_else(|| default_file(&args.name, args.token));
    let wanted = Wanted::prepare(args.token, &args.name, out)?;
    let answer = client.call::<_, OfficerAdded>("officer/add", &ask(wanted.ask())).await;
    wanted.deliver(console, answer, &args.name)
}

/// `yinxin claim`.
///
/// # Errors
/// The link, the server's certificate or the file is not right, or the server refuses.
pub async fn claim(global: &Global, console: Console, args: Claim) -> Result<(), Failure> {
    let (server, secret) = take_apart(&link(&args.link)?)?;
    let credential = Credential::anonymous(roots(global, args.root.as_deref())?);
    let client = Client::tls(&server, &credential)?;
    let wanted = Wanted::prepare(args.token, "officer", args.out)?;
    let ask = OfficerClaim { secret: secret.to_string(), credential: wanted.ask() };
    let answer = client.call::<_, OfficerAdded>("officer/claim", &ask).await;
    wanted.deliver(console, answer, "You")?;
    console.hint(&format!("Try it: yinxin list --server {server} --as FILE"));
    Ok(())
}

/// A file that a credential will be written to. It is made, empty, before the server is asked: a
/// credential that could not be kept would be of use to nobody.
struct Wanted {
    out: PathBuf,
    file: std::fs::File,
    /// The key and its request; a token is asked for without.
    key: Option<(Zeroizing<String>, String)>,
}

impl Wanted {
    fn prepare(token: bool, name: &str, out: PathBuf) -> Result<Self, Failure> {
        let key = if token { None } else { Some(new_key(name)?) };
        let file = file::create_new(&out, file::SECRET)?;
        Ok(Self { out, file, key })
    }

    fn ask(&self) -> CredentialAsk {
        self.key.as_ref().map_or(CredentialAsk::Token, |(_, csr)| CredentialAsk::Csr(csr.clone()))
    }

    fn deliver(self, console: Console, answer: Result<OfficerAdded, Failure>, who: &str) -> Result<(), Failure> {
        use std::io::Write;
        let text = answer.and_then(|added| Ok((self.text(&added)?, added)));
        let written = text.and_then(|(text, added)| {
            let mut file = &self.file;
            let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
            written.map(|()| added).map_err(|e| Failure::file(&self.out, &e))
        });
        let mut added = written.inspect_err(|_| {
            let _ = std::fs::remove_file(&self.out);
        })?;
        // The file has it now; a token on the screen or in a pipe would be one copy more.
        added.token = None;
        console.answer(&added, || {
            let (who, role) = (plain(who), plain(&added.role));
            let file = plain(&self.out.display().to_string());
            format!("{who}: {role}\n  credential in {file}: whoever has the file can act with it\n  use it with --server URL --as {file}")
        })
    }

    fn text(&self, added: &OfficerAdded) -> Result<Zeroizing<String>, Failure> {
        let incomplete = || Failure::Unreachable("The server's answer holds no credential.".to_owned());
        match &self.key {
            Some((key, _)) => {
                let chain = added.certificate.as_deref().ok_or_else(incomplete)?;
                Ok(credential::with_certificate(key, chain, &added.server_root))
            }
            None => Ok(credential::with_token(added.token.as_deref().ok_or_else(incomplete)?, &added.server_root)),
        }
    }
}

/// A P-256 key, which every TLS stack takes, and a request for it.
fn new_key(name: &str) -> Result<(Zeroizing<String>, String), Failure> {
    let key = NewKey::generate(crypto_pool::KeyAlgorithm::P256)?;
    // The server names the certificate after the officer; what is asked here is only well-formed.
    let subject = DistinguishedName::common_name(name).unwrap_or_else(|_| DistinguishedName::empty());
    Ok((key.to_pem()?, key.request(&subject, &SubjectAltName::none())?))
}

fn default_file(name: &str, token: bool) -> PathBuf {
    let mut file = folder_for(name).into_os_string();
    file.push(if token { ".token" } else { ".pem" });
    PathBuf::from(file)
}

/// A link as typed, or the one in a file: there other users of the machine do not see it.
fn link(typed: &str) -> Result<Zeroizing<String>, Failure> {
    let path = Path::new(typed);
    if !path.is_file() {
        return Ok(Zeroizing::new(typed.to_owned()));
    }
    let wrong = || Failure::Here(format!("{} holds no link.", path.display()));
    let text = Zeroizing::new(String::from_utf8(file::read(path, 4096)?).map_err(|_| wrong())?);
    let line = text.lines().find(|line| line.starts_with("https://")).ok_or_else(wrong)?;
    Ok(Zeroizing::new(line.trim().to_owned()))
}

/// The server and the secret in a one-time link: `https://HOST:PORT/…#SECRET`, or with the secret as the
/// last part of the path or query.
fn take_apart(link: &str) -> Result<(String, Zeroizing<String>), Failure> {
    let wrong = || Failure::Usage("This is no one-time link: it looks like https://HOST:PORT/…#SECRET.".to_owned());
    let rest = link.trim().strip_prefix("https://").ok_or_else(wrong)?;
    let (host, rest) = rest.split_once('/').ok_or_else(wrong)?;
    let secret = rest.rsplit(['#', '/', '=']).next().filter(|s| s.len() >= 16).ok_or_else(wrong)?;
    Ok((format!("https://{host}"), Zeroizing::new(secret.to_owned())))
}

/// What a server may be believed by before there is a credential.
fn roots(global: &Global, file: Option<&Path>) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let roots = match file {
        Some(file) => pem::certificates_in(file)?,
        None => trust::believed(&global.data_dir())?.into_iter().map(|root| root.der).collect(),
    };
    if roots.is_empty() {
        return Err(Failure::Usage(
            "Nothing says which server to believe; give its root with --root FILE (ask whoever sent the link)."
                .to_owned(),
        ));
    }
    Ok(roots.into_iter().map(CertificateDer::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_a_server_and_a_secret() {
        for link in [
            "https://localhost:8443/claim#0123456789abcdef",
            "https://localhost:8443/claim/0123456789abcdef",
            " https://localhost:8443/claim?secret=0123456789abcdef\n",
        ] {
            let (server, secret) = take_apart(link).unwrap();
            assert_eq!((server.as_str(), secret.as_str()), ("https://localhost:8443", "0123456789abcdef"));
        }
        for link in ["http://localhost/claim#0123456789abcdef", "https://localhost", "https://localhost/claim", "x"] {
            assert!(take_apart(link).is_err(), "{link}");
        }
    }

    #[test]
    fn a_link_can_lie_in_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("admin-link.txt");
        std::fs::write(&path, "https://localhost:8443/setup#yl_0123456789abcdef\n").unwrap();
        let text = link(path.to_str().unwrap()).unwrap();
        assert_eq!(take_apart(&text).unwrap().1.as_str(), "yl_0123456789abcdef");
        std::fs::write(&path, "nothing\n").unwrap();
        assert!(link(path.to_str().unwrap()).is_err());
    }

    #[test]
    fn a_credential_file_is_never_overwritten_and_gone_if_nothing_came() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("li.token");
        let wanted = Wanted::prepare(true, "Li", out.clone()).unwrap();
        assert!(Wanted::prepare(true, "Li", out.clone()).is_err());
        let console = Console { json: true, language: crate::cli::language::Language::English };
        assert!(wanted.deliver(console, Err(Failure::NotGood), "Li").is_err());
        assert!(!out.exists());
    }

    #[test]
    fn credential_files_are_named_after_the_officer() {
        assert_eq!(default_file("Li Lei", false), PathBuf::from("Li_Lei.pem"));
        assert_eq!(default_file("../x", true), PathBuf::from("_.._x.token"));
    }
}
