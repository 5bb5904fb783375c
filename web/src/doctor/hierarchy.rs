//! One hierarchy from end to end: issue, verify the chain and the receipt, publish, revoke, publish again.

use crypto_pool::path::{self, Anchors, Cert, Check as PathCheck, Crl, Options, Problem, Revocation};
use pki_config::ids::WellKnownIssuer;
use pki_config::name::{DistinguishedName, SubjectAltName};
use pki_config::role::Permission;
use pki_config::status::Reason;
use pki_config::{IssuerId, oid};

use super::{STEP, failed, judged, within};
use crate::api::Check;
use crate::app::App;
use crate::cli::new_key::NewKey;
use crate::receipt;

/// The profile of the certificate.
const PROFILE: &str = "device";

/// The steps after issuing, which fall away with it.
const AFTER: [&str; 5] = ["chain", "receipt", "crl", "revoke", "crl-after"];

pub(super) async fn check(app: &App, family: &str, issuing: WellKnownIssuer, checks: &mut Vec<Check>) {
    let id = IssuerId::well_known(issuing);
    let name = |step: &str| format!("{family}-{step}");
    let issued = within(STEP, issue(app, &id)).await;
    let certificate = match issued {
        Ok(certificate) => certificate,
        Err(why) => {
            checks.push(failed(name("issue"), why));
            checks.extend(AFTER.map(|step| failed(name(step), "not tried: nothing was issued")));
            return;
        }
    };
    let seen = format!("{PROFILE} certificate {} from {id}", certificate.serial);
    checks.push(super::passed(name("issue"), seen));
    checks.push(judged(name("chain"), chain(app, &certificate)));
    checks.push(judged(name("receipt"), within(STEP, prove(app, &certificate)).await));
    let listed = |wanted| crl(app, &id, &certificate, wanted);
    checks.push(judged(name("crl"), within(STEP, listed(false)).await));
    // Whatever failed before: the certificate must not stay good.
    checks.push(judged(name("revoke"), within(STEP, revoke(app, &certificate)).await));
    checks.push(judged(name("crl-after"), within(STEP, listed(true)).await));
}

async fn issue(app: &App, id: &IssuerId) -> Result<ca::Certificate, String> {
    let algorithm = app.ca().issuer(id).map_err(|why| format!("there is no issuer {id}: {why}"))?.algorithm;
    let subject = DistinguishedName::common_name("Yinxin doctor").map_err(|why| why.to_string())?;
    let key = NewKey::generate(algorithm).map_err(|_| "no key could be made; see the server's log".to_owned())?;
    let request = key
        .request(&subject, &SubjectAltName::default())
        .map_err(|_| "no request could be made; see the server's log".to_owned())?;
    drop(key);
    let request = ca::NewRequest {
        csr: request.into_bytes(),
        subject: None,
        sans: SubjectAltName::default(),
        identity: pki_config::Identity::none(),
        profile: PROFILE.to_owned(),
        issuer: Some(id.clone()),
        days: Some(1),
    };
    let auth = app.as_system(Permission::IssueCertificate).map_err(|why| why.code().english().to_owned())?;
    let ca = app.issuing().await.map_err(|why| why.code().english().to_owned())?;
    ca.issue(&auth, request).await.map_err(|why| match why.code() {
        pki_config::ErrorCode::Sealed => "not issued: the root key is sealed; run: yinxin unseal".to_owned(),
        code => format!("not issued ({code}): {why}"),
    })
}

/// The certificate, what stands between it and the root, and the root.
struct Path {
    leaf: Cert,
    issuers: Vec<Cert>,
    anchors: Anchors,
}

fn read_path(app: &App, certificate: &ca::Certificate) -> Result<Path, String> {
    let read = |der: &Vec<u8>| Cert::from_der(der).map_err(|why| format!("a certificate of ours does not read: {why}"));
    let chain = app.ca().chain(&certificate.issuer).map_err(|why| why.to_string())?;
    Ok(Path {
        leaf: read(&certificate.der)?,
        issuers: chain.issuers.iter().map(read).collect::<Result<_, _>>()?,
        anchors: Anchors::new(vec![read(&chain.root)?]),
    })
}

fn chain(app: &App, certificate: &ca::Certificate) -> Result<String, String> {
    let Path { leaf, issuers, anchors } = read_path(app, certificate)?;
    let options = Options { ext_key_usage: Some(oid::KP_CLIENT_AUTH), ..Options::default() };
    let chain = path::validate(&leaf, &issuers, &anchors, app.clock().now(), &options);
    let chain = chain.map_err(|why| format!("the chain is not valid: {why}; is the issuer's certificate expired?"))?;
    Ok(format!("{} certificates up to the root", chain.certificates().len()))
}

async fn prove(app: &App, certificate: &ca::Certificate) -> Result<String, String> {
    let receipt = app.receipt(certificate.issue_seq).await;
    let receipt = receipt.map_err(|why| format!("no receipt was given ({})", why.code()))?;
    let issuers = app.ca().issuers();
    let roots: Vec<Vec<u8>> =
        issuers.iter().filter(|issuer| issuer.parent.is_none()).map(|root| root.certificate.clone()).collect();
    let facts = receipt::verify(&receipt, Some(&certificate.der), &roots, app.clock().now());
    let facts = facts.map_err(|why| format!("the receipt proves nothing: {why}; run: yinxin audit verify"))?;
    Ok(format!("entry {} of {}", facts.entry.seq, facts.checkpoint.body.size))
}

/// Publishes a CRL; whether it lists the certificate must be as `wanted`.
async fn crl(app: &App, id: &IssuerId, certificate: &ca::Certificate, wanted: bool) -> Result<String, String> {
    let auth = app.as_system(Permission::PublishCrl).map_err(|why| why.code().english().to_owned())?;
    let record = app.ca().publish_crl(&auth, id).await.map_err(|why| format!("no CRL was published: {why}"))?;
    let (_, der) = app.ca().crl(id).await.map_err(|why| format!("the CRL cannot be read back: {why}"))?;
    let crl = Crl::from_der(der.to_vec()).map_err(|why| format!("the CRL does not read: {why}"))?;
    let Path { leaf, issuers, anchors } = read_path(app, certificate)?;
    // The path validator decides as a relying party would, over this one CRL.
    let crls = [crl];
    let options = Options { revocation: Revocation::WhereKnown, crls: &crls, ..Options::default() };
    let report = path::examine(&leaf, &issuers, &anchors, app.clock().now(), &options);
    let found = report.findings.iter().find(|one| one.certificate == 0 && one.check == PathCheck::Revocation);
    let number = record.number;
    match (found.map(|found| found.result), wanted) {
        (Some(Ok(())), false) => Ok(format!("number {number}, the certificate is not on it")),
        (Some(Err(Problem::Revoked { .. })), true) => Ok(format!("number {number}, the certificate is on it")),
        (Some(Ok(())), true) => Err(format!("CRL {number} does not list the revoked certificate")),
        (Some(Err(Problem::Revoked { .. })), false) => Err(format!("CRL {number} lists a certificate that is good")),
        (Some(Err(why)), _) => Err(format!("CRL {number} is of no use to a relying party: {why}")),
        (None, _) => Err(format!("CRL {number} was not looked at: the chain does not reach the root")),
    }
}

async fn revoke(app: &App, certificate: &ca::Certificate) -> Result<String, String> {
    let auth = app.as_system(Permission::RevokeCertificate).map_err(|why| why.code().english().to_owned())?;
    let (serial, issuer) = (&certificate.serial, &certificate.issuer);
    let revoked = app.ca().revoke(&auth, serial, Some(issuer), Reason::CessationOfOperation, None).await;
    revoked.map_err(|why| format!("{why}; revoke it by hand: yinxin revoke {serial}"))?;
    Ok(format!("certificate {serial}"))
}
