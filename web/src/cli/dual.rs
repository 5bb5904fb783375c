//! `yinxin issue --dual` and `yinxin dual`: two certificates, one key made here, the other opened here.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use crypto_pool::envelope::csr_response::CsrResponse;
use crypto_pool::envelope::private_key;
use crypto_pool::path::Cert;
use engine::sm2::PrivateKey;
use zeroize::Zeroizing;

use crate::api::dual::{Delivery, HalfInfo, PairInfo};
use crate::api::{CertRef, CertRequest, Issued, RequestInfo};
use crate::cli::args::{CertName, DualCommand, DualOpen, Global, Issue, KeyType};
use crate::cli::client::Client;
use crate::cli::console::Console;
use crate::cli::delivery::{CHAIN, ENC, Folder, RECEIPT, SIGN, folder_for};
use crate::cli::failure::Failure;
use crate::cli::issue::{self, LARGEST_CSR};
use crate::cli::new_key::NewKey;
use crate::cli::table::{Table, plain};
use crate::cli::{file, passphrase, pem};
use crate::convert::{Given, Means};

/// What profiles for pairs begin with.
const DUAL: &str = "dual-";
/// The holder's own key.
const SIGN_KEY: &str = "sign.key";
/// The key from the key centre.
const ENC_KEY: &str = "enc.key";
/// Both certificates and the chain.
const DOUBLE: &str = "double.pem";
/// The delivery as it came.
const RESPONSE: &str = "csr-response.der";
/// Largest delivery or key file that is read. Unit: bytes.
const LARGEST: usize = 1 << 20;

/// Whether `issue` is to get a pair.
#[must_use]
pub fn is_asked(args: &Issue) -> bool {
    args.dual || args.profile.starts_with(DUAL)
}

/// `yinxin issue --dual`.
///
/// # Errors
/// The names do not fit, the folder holds files already, or the server refuses.
pub async fn issue(client: &Client, console: Console, args: Issue, file_it: bool) -> Result<(), Failure> {
    let profile = if args.profile.starts_with(DUAL) { args.profile.clone() } else { format!("{DUAL}{}", args.profile) };
    if args.key_type.is_some_and(|kind| kind != KeyType::Sm2) {
        return Err(Failure::Usage("A pair of certificates is for SM2 keys: leave --key-type out.".to_owned()));
    }
    let path = args.out.clone().unwrap_or_else(|| folder_for(&args.name));
    let mut request = CertRequest {
        identity: args.identity.clone(),
        profile: Some(profile),
        issuer: args.issuer.as_ref().map(ToString::to_string),
        days: args.days,
        ..CertRequest::default()
    };
    if let Some(csr) = &args.csr {
        // Whoever has the key opens the delivery: here there is none.
        request.csr = issue::csr_text(&file::read(csr, LARGEST_CSR)?);
        request.subject = args.subject.clone();
        request.sans = args.san.clone();
        return match file_it {
            true => {
                let filed: RequestInfo = client.call("cert/submit", &request).await?;
                console.answer(&filed, || filed_text(&filed, None))
            }
            false => {
                let issued: Issued = client.call("cert/issue", &request).await?;
                console.answer(&issued, || without_key_text(&issued))
            }
        };
    }
    let names = issue::Names::of(&args)?;
    let key = NewKey::generate(KeyType::Sm2.algorithm())?;
    request.csr = key.request(&names.subject, &names.sans)?;
    let folder = Folder::prepare(&path, &[SIGN_KEY, SIGN, ENC_KEY, ENC, CHAIN, DOUBLE, RESPONSE, RECEIPT])?;
    // On the disk before anything is asked for: a certificate whose key was lost would have to be revoked.
    let key_file = folder.path().join(SIGN_KEY);
    if let Err(failure) = file::write_new(&key_file, key.to_pem()?.as_bytes(), file::SECRET) {
        folder.discard();
        return Err(failure);
    }
    let kept = |failure: Failure, folder: Folder| {
        if issue::is_definite(&failure) {
            let _ = std::fs::remove_file(&key_file);
            folder.discard();
        }
        failure
    };
    if file_it {
        return match client.call::<_, RequestInfo>("cert/submit", &request).await {
            Ok(filed) => console.answer(&filed, || filed_text(&filed, Some(&path))),
            Err(failure) => Err(kept(failure, folder)),
        };
    }
    let issued: Issued = match client.call("cert/issue", &request).await {
        Ok(issued) => issued,
        Err(failure) => return Err(kept(failure, folder)),
    };
    let mut receipt = serde_json::to_string_pretty(&issued.receipt)
        .map_err(|e| Failure::Here(format!("The receipt is no JSON: {e}.")))?;
    receipt.push('\n');
    file::write_new(&path.join(RECEIPT), receipt.as_bytes(), file::PUBLIC)?;
    let which = CertRef { serial: issued.serial.clone(), issuer: Some(issued.issuer.clone()) };
    let signing = private_key::read(&pem_key(&key.to_pem()?)?).map_err(|why| Failure::Here(format!("{why}.")))?;
    let delivery = deliver(client, &which, &path).await?;
    Opened::of(&delivered(&delivery)?, &signing)?.write(&path, &delivery.chain)?;
    console.answer(&delivery, || pair_text(&delivery.pair, Some(&path)))
}

/// `yinxin dual`.
///
/// # Errors
/// The server refuses; the delivery is for another key; the folder holds files already.
pub async fn run(global: &Global, console: Console, command: DualCommand) -> Result<(), Failure> {
    match command {
        DualCommand::Show(name) => {
            let pair: PairInfo = Client::of(global)?.call("dual/show", &name.resolve()?).await?;
            console.answer(&pair, || pair_text(&pair, None))
        }
        DualCommand::Open(args) => open(global, console, args).await,
    }
}

async fn open(global: &Global, console: Console, args: DualOpen) -> Result<(), Failure> {
    let signing = signing_key(&args)?;
    Folder::prepare(&args.out, &[SIGN, ENC_KEY, ENC, CHAIN, DOUBLE, RESPONSE])?;
    let Some(certificate) = args.certificate else {
        let path = args.response.as_deref().unwrap_or(Path::new(RESPONSE));
        let bytes = file::read(path, LARGEST)?;
        let der = if bytes.first() == Some(&0x30) { bytes } else { from_base64(&bytes)? };
        let opened = Opened::of(&der, &signing)?;
        opened.write(&args.out, "")?;
        let serial = pem::serial(&opened.encryption).map_err(|why| Failure::Here(format!("{why}.")))?.to_string();
        return console.answer(&serde_json::json!({"encryption": serial, "out": args.out}), || {
            format!("Opened the encryption key of certificate {serial}\n  files  {}", files(&args.out))
        });
    };
    let client = Client::of(global)?;
    let which = CertName { certificate, issuer: None }.resolve()?;
    let delivery: Delivery = client.call("dual/deliver", &which).await?;
    Opened::of(&delivered(&delivery)?, &signing)?.write(&args.out, &delivery.chain)?;
    console.answer(&delivery, || pair_text(&delivery.pair, Some(&args.out)))
}

async fn deliver(client: &Client, which: &CertRef, folder: &Path) -> Result<Delivery, Failure> {
    client.call("dual/deliver", which).await.map_err(|failure| {
        let (serial, folder) = (&which.serial, folder.display());
        match failure {
            Failure::Unreachable(why) => Failure::Unreachable(format!(
                "{why} Both certificates were issued; your signing key is in {folder}. Get the rest with: \
                 yinxin dual open {serial} --key {folder}/{SIGN_KEY} --out {folder}"
            )),
            other => other,
        }
    })
}

/// A delivery that was opened: what goes into files.
struct Opened {
    response: Vec<u8>,
    sign: Vec<u8>,
    encryption: Vec<u8>,
    key: PrivateKey,
}

impl Opened {
    fn of(response: &[u8], signing: &PrivateKey) -> Result<Self, Failure> {
        let wrong = |why: &dyn std::fmt::Display| Failure::Here(format!("The delivery cannot be used: {why}."));
        let read = CsrResponse::read(response).map_err(|why| wrong(&why))?;
        let key = read.open(signing).map_err(|why| wrong(&why))?;
        let key = key.ok_or_else(|| wrong(&"it is for a single certificate and brings no encryption key"))?;
        let first = |set: &[Vec<u8>]| set.first().cloned().unwrap_or_default();
        Ok(Self { response: response.to_vec(), sign: first(&read.sign), encryption: first(&read.encryption), key })
    }

    /// Writes everything; the key first, which is the one that is hard to get again.
    fn write(&self, folder: &Path, chain: &str) -> Result<(), Failure> {
        let text = pem::armour("PRIVATE KEY", &private_key::to_pkcs8(&self.key)).map(Zeroizing::new)?;
        file::write_new(&folder.join(ENC_KEY), text.as_bytes(), file::SECRET)?;
        let (sign, encryption) =
            (pem::armour("CERTIFICATE", &self.sign)?, pem::armour("CERTIFICATE", &self.encryption)?);
        let double = format!("{sign}{encryption}{chain}");
        for (name, bytes) in [(SIGN, sign.as_bytes()), (ENC, encryption.as_bytes()), (DOUBLE, double.as_bytes())] {
            file::write_new(&folder.join(name), bytes, file::PUBLIC)?;
        }
        if !chain.is_empty() {
            file::write_new(&folder.join(CHAIN), chain.as_bytes(), file::PUBLIC)?;
        }
        file::write_new(&folder.join(RESPONSE), &self.response, file::PUBLIC)
    }
}

fn delivered(delivery: &Delivery) -> Result<Vec<u8>, Failure> {
    from_base64(delivery.csr_response.as_bytes())
}

fn from_base64(text: &[u8]) -> Result<Vec<u8>, Failure> {
    let text: Vec<u8> = text.iter().copied().filter(|octet| !octet.is_ascii_whitespace()).collect();
    BASE64.decode(text).map_err(|_| Failure::Here("The delivery is neither DER nor base64.".to_owned()))
}

/// The DER in the PEM of a key.
fn pem_key(text: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let read = der::pem::decode_vec(text.as_bytes()).map(|(_, der)| Zeroizing::new(der));
    read.map_err(|e| Failure::Here(format!("The key is no PEM: {e}.")))
}

/// The signing key of a file, whatever form it has.
fn signing_key(args: &DualOpen) -> Result<PrivateKey, Failure> {
    let mut given = Given::default();
    let bytes = Zeroizing::new(file::read(&args.key, LARGEST)?);
    given.take(&args.key.display().to_string(), &bytes, &mut KeyFile(args.passphrase_file.as_deref()))?;
    Ok(given.sm2()?)
}

/// What a key file may need: its passphrase, and nothing else.
struct KeyFile<'a>(Option<&'a Path>);

impl Means for KeyFile<'_> {
    type Error = Failure;

    fn passphrase(&mut self, file: &str, _: bool) -> Result<Zeroizing<String>, Failure> {
        passphrase::existing(self.0, &format!("Passphrase of {file}: "))
    }

    fn own_key(&mut self, envelope: &str) -> Result<(String, Zeroizing<Vec<u8>>), Failure> {
        Err(Failure::Usage(format!("{envelope} is an envelope; --key takes the signing key itself.")))
    }

    fn new_passphrase(&mut self) -> Result<Zeroizing<String>, Failure> {
        Err(not_a_key())
    }

    fn recipient(&mut self) -> Result<Cert, Failure> {
        Err(not_a_key())
    }
}

/// What a file that only gives a key is never asked for.
fn not_a_key() -> Failure {
    Failure::Usage("--key takes a private key and nothing else.".to_owned())
}

fn pair_text(pair: &PairInfo, folder: Option<&Path>) -> String {
    let mut table = Table::pairs();
    let line = |half: &HalfInfo| format!("{} {}, {} to {}", half.serial, half.status, half.not_before, half.not_after);
    table.row(["  profile", &pair.profile]);
    table.row(["  signing", &line(&pair.sign)]);
    table.row(["  encryption", &line(&pair.encryption)]);
    table.row(["  key centre", &format!("{} {}", pair.key, pair.archive)]);
    let delivered = pair.delivered_at.as_deref().map_or("not yet".to_owned(), |at| format!("first {at}"));
    table.row(["  delivered", &delivered]);
    if let Some(folder) = folder {
        table.row(["  files", &files(folder)]);
    }
    format!("Pair {}\n{table}", plain(&pair.subject))
}

fn files(folder: &Path) -> String {
    plain(&format!("{}: {SIGN} {ENC} {ENC_KEY} {DOUBLE} {RESPONSE}", folder.display()))
}

fn filed_text(filed: &RequestInfo, folder: Option<&Path>) -> String {
    let request = plain(&filed.request);
    let mut text = format!("Request {request} for a pair is filed; it waits for another officer, who types:\n");
    text.push_str(&format!("  yinxin approve {request} --server URL --as THEIR-CREDENTIAL\n"));
    let (key, out) = match folder {
        Some(folder) => {
            let folder = plain(&folder.display().to_string());
            text.push_str(&format!("Your signing key is in {folder}/{SIGN_KEY}.\n"));
            (format!("{folder}/{SIGN_KEY}"), folder)
        }
        None => ("YOUR-KEY".to_owned(), "DIR".to_owned()),
    };
    text.push_str(&format!(
        "Once approved, `yinxin list --name …` tells the serials, and this fetches and opens the rest:\n  \
         yinxin dual open SERIAL --key {key} --out {out}"
    ));
    text
}

fn without_key_text(issued: &Issued) -> String {
    let serial = &issued.serial;
    format!(
        "Issued a pair; signing certificate {serial}. Whoever has the key of the request fetches and opens the rest:\n  \
         yinxin dual open {serial} --key YOUR-KEY --out DIR"
    )
}
