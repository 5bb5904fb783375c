//! The checks of one path, certificate by certificate (RFC 5280 6.1.3 to 6.1.5).

use const_oid::ObjectIdentifier;
use pki_config::Instant;

use super::cert::Cert;
use super::constraints::{self, Constrained};
use super::search::Seeking;
use super::{Check, Finding, Problem, Report, Revocation, policy};

/// anyExtendedKeyUsage, RFC 5280 4.2.1.12.
const ANY_USE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37.0");

/// Every check of a path whose last certificate is an anchor. `signatures` were checked while it was sought.
pub(super) fn report(path: &[Cert], signatures: &[Finding], seeking: &Seeking<'_>) -> Report {
    let options = seeking.options;
    let mut all = vec![Finding { certificate: 0, check: Check::Path, result: Ok(()) }];
    let mut evidence = Vec::new();
    let anchor = path.len().saturating_sub(1);
    for (place, cert) in path.iter().enumerate() {
        let mut note = |check, result| all.push(Finding { certificate: place, check, result });
        note(Check::Key, cert.public_key().map(drop).map_err(Problem::Key));
        if let Some(checked) = signatures.iter().find(|finding| finding.certificate == place) {
            note(Check::Signature, checked.result);
        }
        note(Check::Validity, validity(cert, seeking.at));
        note(Check::CriticalExtensions, critical_extensions(cert));
        if place > 0 {
            note(Check::Authority, authority(cert));
            note(Check::PathLength, path_length(cert, path.get(1..place).unwrap_or_default()));
        }
        if place > 0 && cert.extensions().name_constraints.is_some() {
            note(Check::NameConstraints, name_constraints(cert, path.get(..place).unwrap_or_default()));
        }
        if let Some(usage) = options.ext_key_usage {
            note(Check::ExtKeyUsage, ext_key_usage(cert, usage));
        }
        if place < anchor && options.revocation != Revocation::Ignored {
            let found = seeking.revocation(path, place);
            evidence.extend(found.iter().copied().flatten());
            note(Check::Revocation, found.map(drop));
        }
    }
    let (policies, certificate, result) = match policy::valid(path.get(..anchor).unwrap_or_default(), &options.policies)
    {
        Ok(policies) => (policies, 0, Ok(())),
        Err(failed) => (Vec::new(), failed.certificate, Err(failed.problem)),
    };
    all.push(Finding { certificate, check: Check::Policies, result });
    Report { path: path.to_vec(), findings: all, evidence, policies }
}

fn validity(cert: &Cert, at: Instant) -> Result<(), Problem> {
    if at < cert.not_before() {
        Err(Problem::NotYetValid { from: cert.not_before() })
    } else if at.whole_second() > cert.not_after() {
        // The last second belongs to the validity (RFC 5280 4.1.2.5).
        Err(Problem::Expired { since: cert.not_after() })
    } else {
        Ok(())
    }
}

fn critical_extensions(cert: &Cert) -> Result<(), Problem> {
    cert.extensions().unknown_critical.first().map_or(Ok(()), |oid| Err(Problem::CriticalExtension(*oid)))
}

fn authority(cert: &Cert) -> Result<(), Problem> {
    let extensions = cert.extensions();
    if !extensions.basic_constraints.is_some_and(|constraints| constraints.ca) {
        return Err(Problem::NotAnAuthority);
    }
    // Without the extension every usage is allowed (RFC 5280 6.1.4 n).
    if extensions.key_usage.is_some_and(|usage| !usage.key_cert_sign()) {
        return Err(Problem::NoCertSign);
    }
    Ok(())
}

/// `below`: the authorities between this one and the leaf.
fn path_length(cert: &Cert, below: &[Cert]) -> Result<(), Problem> {
    let Some(allowed) = cert.extensions().basic_constraints.and_then(|constraints| constraints.path_len) else {
        return Ok(());
    };
    let counted = below.iter().filter(|cert| !cert.is_self_issued()).count();
    if counted as u64 > allowed { Err(Problem::PathLength { allowed }) } else { Ok(()) }
}

/// `below`: everything below the constraining certificate, the leaf first.
fn name_constraints(cert: &Cert, below: &[Cert]) -> Result<(), Problem> {
    let Some(constraints) = &cert.extensions().name_constraints else { return Ok(()) };
    for (place, one) in below.iter().enumerate() {
        // Self-issued authorities are not constrained; a self-issued leaf is (RFC 5280 6.1.3 b).
        if place > 0 && one.is_self_issued() {
            continue;
        }
        match constraints::constrain(constraints, one) {
            Ok(Constrained::Within) => {}
            Ok(Constrained::Outside) => return Err(Problem::NameOutside),
            Ok(Constrained::Unsupported) | Err(_) => return Err(Problem::ConstraintUnsupported),
        }
    }
    Ok(())
}

/// A certificate without the extension is for every use. Authorities bound what is below them, as
/// browsers and the CA/Browser Forum read it (BR 7.1.2.10.6).
fn ext_key_usage(cert: &Cert, usage: ObjectIdentifier) -> Result<(), Problem> {
    let allowed = cert.extensions().ext_key_usage.as_ref();
    if allowed.is_none_or(|uses| uses.contains(&usage) || uses.contains(&ANY_USE)) {
        Ok(())
    } else {
        Err(Problem::ExtKeyUsage)
    }
}
