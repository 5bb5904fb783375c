//! Whether a certificate is revoked, by everything that was given: CRLs, OCSP answers and what the caller knows
//! (RFC 5280 6.3, RFC 6960 3.2 and 4.2.2.2).

use std::time::Duration;

use pki_config::status::{CertStatus, Reason};
use pki_config::{Instant, oid};

use super::cert::Cert;
use super::crl::Crl;
use super::names::same_name;
use super::ocsp::{OcspAnswer, Single, Status};
use super::points::{Point, Reasons};
use super::search::Seeking;
use super::{Evidence, Problem, Revocation, Source};

/// How far a responder's clock may be ahead, and how long an answer counts that does not say how long. CRLs are made
/// long before they are used; answers are not.
const SKEW: Duration = Duration::from_secs(300);
/// How deep the certificate of a signer of CRLs is looked up in CRLs itself.
const DEEPEST: usize = 2;
/// Most certificates of the right name that are tried as a CRL's signer.
const MOST_SIGNERS: usize = 8;

/// What one piece of evidence says.
struct Said {
    source: Source,
    made: Instant,
    revoked: Option<(Instant, Reason)>,
}

/// All that is said of one certificate.
#[derive(Default)]
struct Heard {
    said: Vec<Said>,
    /// Reasons that lists for some reasons only have covered so far, and the oldest of these lists.
    covered: Option<(Reasons, Source, Instant)>,
    problem: Option<Problem>,
}

impl Heard {
    /// The newest evidence decides whether a hold still holds; any other revocation is for ever.
    fn conclude(&self) -> Result<Option<(Source, Instant)>, Problem> {
        let good = self.said.iter().filter(|said| said.revoked.is_none()).max_by_key(|said| said.made);
        let is_over =
            |said: &Said, reason| reason == Reason::CertificateHold && good.is_some_and(|g| g.made > said.made);
        let revoked = self.said.iter().filter_map(|said| said.revoked.map(|(at, reason)| (said, at, reason)));
        let standing = revoked.filter(|(said, _, reason)| !is_over(said, *reason)).min_by_key(|(_, at, _)| *at);
        if let Some((_, at, reason)) = standing {
            return Err(Problem::Revoked { at, reason });
        }
        match (good, self.problem) {
            (Some(good), _) => Ok(Some((good.source, good.made))),
            (None, Some(problem)) => Err(problem),
            (None, None) if self.covered.is_some() => Err(Problem::CrlReasonsOpen),
            (None, None) => Ok(None),
        }
    }
}

impl Seeking<'_> {
    /// Whether the certificate at a place of a path that ends in an anchor is revoked, and what says that it is not.
    pub(super) fn revocation(&self, path: &[Cert], place: usize) -> Result<Option<Evidence>, Problem> {
        let (Some(cert), Some(issuer)) = (path.get(place), path.get(place + 1)) else { return Ok(None) };
        let mut heard = Heard::default();
        for (_, status) in self.options.told.iter().filter(|(told, _)| told == cert) {
            let revoked = match status {
                CertStatus::Revoked(revocation) if revocation.at <= self.at => Some((revocation.at, revocation.reason)),
                CertStatus::Good | CertStatus::Revoked(_) => None,
            };
            heard.said.push(Said { source: Source::Told, made: self.until, revoked });
        }
        for (number, answer) in self.options.ocsps.iter().enumerate() {
            if let Some(single) = answer.about(cert, issuer) {
                self.ask(&mut heard, number, answer, single, path, place);
            }
        }
        let points = Point::all_of(cert.extensions().crl_distribution_points.as_deref(), cert.issuer());
        let is_authority = cert.extensions().basic_constraints.is_some_and(|constraints| constraints.ca);
        for (number, crl) in self.options.crls.iter().enumerate() {
            let reasons = crl.scope().reasons_for(crl.issuer(), &points, cert.issuer(), is_authority);
            if reasons != Reasons::NONE {
                self.look_up(&mut heard, number, crl, reasons, path, place);
            }
        }
        let open = match heard.conclude() {
            Ok(Some((source, made))) => return Ok(Some(Evidence { certificate: place, source, made })),
            Ok(None) => Problem::NoCrl,
            Err(problem) => problem,
        };
        let is_silence = matches!(open, Problem::NoCrl | Problem::CrlReasonsOpen);
        if is_silence && self.options.revocation != Revocation::Required { Ok(None) } else { Err(open) }
    }

    /// Whether what was made at one moment, to be used until another, tells of the moment that is asked about.
    /// What was made after the certificate's end tells nothing unless it says that it keeps those that ended.
    fn is_timely(&self, cert: &Cert, made: Instant, next: Option<Instant>, kept_since: Option<Instant>) -> bool {
        let is_later = made >= self.at && made <= self.until;
        let is_current = made <= self.at && next.is_some_and(|next| next >= self.at);
        let end = cert.not_after();
        is_current || (is_later && (made <= end || kept_since.is_some_and(|since| since <= end)))
    }

    fn ask(&self, heard: &mut Heard, number: usize, answer: &OcspAnswer, single: &Single, path: &[Cert], place: usize) {
        let Some(cert) = path.get(place) else { return };
        if !self.is_authorised(answer, single, path, place) {
            heard.problem.get_or_insert(Problem::OcspSignature);
            return;
        }
        let made = single.this_update;
        // A responder whose clock is a little ahead is believed.
        let counted = if made > self.until && made <= self.until.plus(SKEW) { self.until } else { made };
        let next = single.next_update.unwrap_or(counted.plus(SKEW));
        let timely = self.is_timely(cert, counted, Some(next), single.archive_cutoff);
        let says = |revoked| Said { source: Source::Ocsp(number), made, revoked };
        match single.status {
            // As with lists, what was revoked stays so, however old the news.
            Status::Revoked { at, reason } if at <= self.at => heard.said.push(says(Some((at, reason)))),
            _ if !timely => drop(heard.problem.get_or_insert(Problem::OcspNotCurrent)),
            Status::Good | Status::Revoked { .. } => heard.said.push(says(None)),
            Status::Unknown => heard.problem = Some(Problem::UnknownToAuthority),
        }
    }

    /// Whether the issuer signed the answer, or one to whom it delegated that (RFC 6960 4.2.2.2).
    fn is_authorised(&self, answer: &OcspAnswer, single: &Single, path: &[Cert], place: usize) -> bool {
        let Some(issuer) = path.get(place + 1) else { return false };
        let Ok(key) = issuer.public_key() else { return false };
        if answer.is_of(issuer) && self.pay(answer.is_known_signed_by(key)) && answer.is_signed_by(key) {
            return true;
        }
        // It must have been valid when it signed, and at the moment asked about if that was later.
        let moment = single.this_update.max(self.at).min(self.until.max(self.at)).whole_second();
        let delegated = |cert: &&Cert| {
            let extensions = cert.extensions();
            same_name(cert.issuer(), issuer.subject())
                && extensions.ext_key_usage.as_ref().is_some_and(|uses| uses.contains(&oid::KP_OCSP_SIGNING))
                && extensions.key_usage.is_none_or(|usage| usage.digital_signature())
                && extensions.unknown_critical.is_empty()
                && (cert.not_before()..=cert.not_after()).contains(&moment)
        };
        let given = answer.certificates().iter().chain(self.intermediates).filter(|cert| answer.is_of(cert));
        given.filter(delegated).take(MOST_SIGNERS).any(|cert| {
            let signed = self.pay(cert.is_known_signed_by(key)) && cert.is_signed_by(key);
            let answered = |key| self.pay(answer.is_known_signed_by(key)) && answer.is_signed_by(key);
            signed && cert.public_key().is_ok_and(answered) && !self.is_responder_revoked(cert, path, place)
        })
    }

    /// Whether a CRL tells that a responder's certificate is revoked. Without any it is believed: an authority that
    /// wants more gives CRLs, or says id-pkix-ocsp-nocheck and short validity.
    fn is_responder_revoked(&self, responder: &Cert, path: &[Cert], place: usize) -> bool {
        if responder.extensions().ocsp_no_check || self.depth >= DEEPEST {
            return false;
        }
        let mut own = vec![responder.clone()];
        own.extend(path.iter().skip(place + 1).cloned());
        let options = super::Options { revocation: Revocation::WhereKnown, ocsps: &[], ..self.options.clone() };
        let deeper = Seeking { options: &options, depth: self.depth + 1, ..self.clone() };
        matches!(deeper.revocation(&own, 0), Err(Problem::Revoked { .. }))
    }

    fn look_up(&self, heard: &mut Heard, number: usize, crl: &Crl, reasons: Reasons, path: &[Cert], place: usize) {
        let Some(cert) = path.get(place) else { return };
        if !self.is_signed_by_its_issuer(crl, path, place) {
            heard.problem.get_or_insert(Problem::CrlSignature);
            return;
        }
        let source = Source::Crl(number);
        // An entry counts even in an overdue list: what was revoked stays so, a hold at worst too long. One of after
        // the moment asked about is none yet.
        if let Some(revoked) = self.entry(crl, cert, path, place).filter(|(at, _)| *at <= self.at) {
            heard.said.push(Said { source, made: crl.this_update(), revoked: Some(revoked) });
            return;
        }
        if !self.is_timely(cert, crl.this_update(), crl.next_update(), crl.expired_since()) {
            heard.problem.get_or_insert(Problem::CrlNotCurrent);
            return;
        }
        let (covered, source, oldest) = match heard.covered {
            _ if reasons == Reasons::ALL => (reasons, source, crl.this_update()),
            Some((covered, _, oldest)) => (covered.or(reasons), source, oldest.min(crl.this_update())),
            None => (reasons, source, crl.this_update()),
        };
        if Reasons::ALL.is_within(covered) {
            heard.said.push(Said { source, made: oldest, revoked: None });
        } else {
            heard.covered = Some((covered, source, oldest));
        }
    }

    /// Since when and why a full list has a certificate as revoked, with the newest of the deltas that complete it.
    fn entry(&self, crl: &Crl, cert: &Cert, path: &[Cert], place: usize) -> Option<(Instant, Reason)> {
        let deltas = self.options.crls.iter().filter(|delta| delta.completes(crl));
        let signed = deltas.filter(|delta| self.is_signed_by_its_issuer(delta, path, place));
        let delta = signed.max_by_key(|delta| delta.number().map(|number| (number.len(), number)));
        let changed = delta.and_then(|delta| Some((delta, delta.find_of(cert.issuer(), cert.serial())?)));
        let entry = match changed {
            // That a hold is over is believed of a current delta only.
            Some((delta, entry))
                if entry.removes && self.is_timely(cert, delta.this_update(), delta.next_update(), None) =>
            {
                None
            }
            Some((_, entry)) if !entry.removes => Some(entry),
            _ => crl.find_of(cert.issuer(), cert.serial()),
        };
        entry.map(|entry| (entry.at, entry.reason))
    }

    /// Whether the CRL is its issuer's: signed with the key of a certificate above on the path, or of another one of
    /// that name that leads to the same anchor (RFC 5280 6.3.3 f).
    fn is_signed_by_its_issuer(&self, crl: &Crl, path: &[Cert], place: usize) -> bool {
        let may_sign = |cert: &&Cert| {
            same_name(cert.subject(), crl.issuer())
                && cert.extensions().key_usage.is_none_or(|usage| usage.crl_sign())
                && match (crl.authority_key_id(), &cert.extensions().subject_key_id) {
                    (Some(asked), Some(has)) => asked == has,
                    _ => true,
                }
        };
        let signed = |cert: &&Cert| {
            cert.public_key().is_ok_and(|key| self.pay(crl.is_known_signed_by(key)) && crl.is_signed_by(key))
        };
        // A certificate of a CRL issuer may, by the word of who issued it, be looked up in that issuer's own list.
        let itself = path.get(place).filter(|cert| {
            Point::leads_to_itself(cert.extensions().crl_distribution_points.as_deref(), cert.subject())
        });
        let above = path.get(place + 1..).unwrap_or_default();
        if above.iter().chain(itself).filter(may_sign).any(|cert| signed(&cert)) {
            return true;
        }
        let Some(anchor) = path.last().filter(|_| self.depth < DEEPEST) else { return false };
        let others = self.intermediates.iter().filter(|cert| !path.contains(cert)).filter(may_sign);
        others.take(MOST_SIGNERS).filter(signed).any(|signer| self.deeper(signer, anchor))
    }
}
