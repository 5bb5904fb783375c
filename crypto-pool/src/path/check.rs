//! The checks of one path, certificate by certificate (RFC 5280 6.1.3 to 6.1.5, 6.3.3).

use const_oid::ObjectIdentifier;
use pki_config::Instant;

use super::cert::Cert;
use super::crl::Crl;
use super::names::{self, Constrained};
use super::{Check, Finding, Options, Problem, Revocation};

/// anyExtendedKeyUsage, RFC 5280 4.2.1.12.
const ANY_USE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37.0");

/// Whether the issuer's key made the certificate's signature.
pub(super) fn signature(cert: &Cert, issuer: &Cert) -> Result<(), Problem> {
    if cert.algorithm().is_none() {
        return Err(Problem::UnknownAlgorithm);
    }
    let key = issuer.public_key().map_err(Problem::Key)?;
    if cert.is_signed_by(key) { Ok(()) } else { Err(Problem::Signature) }
}

/// Every check of a path whose last certificate is an anchor. `signatures` were checked while it was sought.
pub(super) fn findings(path: &[Cert], signatures: &[Finding], at: Instant, options: &Options<'_>) -> Vec<Finding> {
    let mut all = vec![Finding { certificate: 0, check: Check::Path, result: Ok(()) }];
    let anchor = path.len() - 1;
    for (place, cert) in path.iter().enumerate() {
        let mut note = |check, result| all.push(Finding { certificate: place, check, result });
        note(Check::Key, cert.public_key().map(drop).map_err(Problem::Key));
        if let Some(checked) = signatures.iter().find(|finding| finding.certificate == place) {
            note(Check::Signature, checked.result);
        }
        note(Check::Validity, validity(cert, at));
        note(Check::CriticalExtensions, critical_extensions(cert));
        if place > 0 {
            note(Check::Authority, authority(cert));
            note(Check::PathLength, path_length(cert, &path[1..place]));
        }
        if place > 0 && cert.extensions().name_constraints.is_some() {
            note(Check::NameConstraints, name_constraints(cert, &path[..place]));
        }
        if let Some(usage) = options.ext_key_usage {
            note(Check::ExtKeyUsage, ext_key_usage(cert, usage));
        }
        if place < anchor && options.revocation != Revocation::Ignored {
            note(Check::Revocation, revocation(cert, &path[place + 1], at, options));
        }
    }
    all
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
        match names::constrain(constraints, one) {
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

fn revocation(cert: &Cert, issuer: &Cert, at: Instant, options: &Options<'_>) -> Result<(), Problem> {
    let mut problem = Problem::NoCrl;
    let mut decided = false;
    for crl in options.crls.iter().filter(|crl| speaks_of(crl, cert)) {
        match consult(crl, cert, issuer, at, options.crls) {
            Ok(()) => decided = true,
            Err(revoked @ Problem::Revoked { .. }) => return Err(revoked),
            Err(other) => problem = other,
        }
    }
    let silent = problem == Problem::NoCrl && options.revocation == Revocation::WhereKnown;
    if decided || silent { Ok(()) } else { Err(problem) }
}

/// What a full list says of a certificate, with the newest of the deltas that complete it.
fn consult(crl: &Crl, cert: &Cert, issuer: &Cert, at: Instant, all: &[Crl]) -> Result<(), Problem> {
    let may_sign = issuer.extensions().key_usage.is_none_or(|usage| usage.crl_sign());
    let key = issuer.public_key().map_err(Problem::Key)?;
    if !may_sign || !crl.is_signed_by(key) {
        return Err(Problem::CrlSignature);
    }
    let deltas = all.iter().filter(|delta| delta.completes(crl) && delta.is_signed_by(key));
    let delta = deltas.max_by_key(|delta| delta.number().map(|number| (number.len(), number)));
    let changed = delta.and_then(|delta| Some((delta, delta.find(cert.serial())?)));
    // An entry counts even in an overdue list: what was revoked stays so, a hold at worst too long. That a hold is
    // over is believed of a current delta only.
    let entry = match changed {
        Some((delta, entry)) if entry.removes && delta.is_current(at) => None,
        Some((_, entry)) if !entry.removes => Some(entry),
        _ => crl.find(cert.serial()),
    };
    if let Some(entry) = entry.filter(|entry| entry.at <= at) {
        return Err(Problem::Revoked { at: entry.at, reason: entry.reason });
    }
    if crl.is_current(at) { Ok(()) } else { Err(Problem::CrlNotCurrent) }
}

/// Whether a CRL is of this certificate's issuer and its scope holds the certificate.
fn speaks_of(crl: &Crl, cert: &Cert) -> bool {
    let scope = crl.scope();
    let is_authority = cert.extensions().basic_constraints.is_some_and(|constraints| constraints.ca);
    let right_kind = if is_authority { !scope.only_users } else { !scope.only_authorities };
    let in_scope = !scope.unsupported
        && scope.base.is_none()
        && right_kind
        && scope.point.as_ref().is_none_or(|point| names_point(cert, point));
    in_scope && names::same_name(crl.issuer(), cert.issuer())
}

/// Whether the certificate names this distribution point, octet by octet.
fn names_point(cert: &Cert, point: &[u8]) -> bool {
    let points = cert.extensions().crl_distribution_points.as_deref().unwrap_or_default();
    !point.is_empty() && points.windows(point.len()).any(|window| window == point)
}
