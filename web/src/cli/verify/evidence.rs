//! Evidence records: every time-stamp in them, and that each was renewed in time.

use std::path::Path;

use tsa::core::evidence::{EvidenceRecord, LONGEST, verify};
use tsa::core::verify::Against as StampAgainst;

use super::token::digest_of;
use super::{Against, Answer, Item, Step, input, tell};
use crate::cli::args::{EvidenceVerify, Global, Verify};
use crate::cli::console::Console;
use crate::cli::failure::Failure;
use crate::cli::file;

/// `yinxin evidence verify`.
///
/// # Errors
/// [`Failure::NotGood`] if a record is bad, [`Failure::Undecided`] or [`Failure::NotRun`] if one could not be checked.
pub(in crate::cli) fn run(global: &Global, console: Console, args: EvidenceVerify) -> Result<(), Failure> {
    let answer = check(global, args).map_err(|failure| match failure {
        Failure::Here(why) => Failure::NotRun(why),
        other => other,
    })?;
    tell(console, &answer)
}

fn check(global: &Global, args: EvidenceVerify) -> Result<Answer, Failure> {
    let verify = Verify {
        files: Vec::new(),
        chain: args.chain,
        crl: args.crl,
        ocsp: args.ocsp,
        cert_policy: Vec::new(),
        root: args.root,
        at: args.at,
        of: args.of,
        proof: None,
        policy: None,
    };
    let against = input::against(global, &verify, Vec::new(), Vec::new())?;
    let mut items = Vec::new();
    for path in &args.files {
        items.push(item(path, verify.of.as_deref(), &against)?);
    }
    Ok(Answer { good: items.iter().all(|item| item.good), at: against.at.to_string(), items })
}

fn item(path: &Path, of: Option<&Path>, against: &Against) -> Result<Item, Failure> {
    let bytes = file::read(path, LONGEST)?;
    let record = EvidenceRecord::from_der(&bytes)
        .map_err(|why| Failure::Here(format!("{} is no evidence record: {why}.", path.display())))?;
    let beside = path.with_extension("");
    let data = of.or_else(|| beside.is_file().then_some(beside.as_path()));
    let mut digests = Vec::new();
    if let Some(data) = data {
        for hash in record.hashes() {
            digests.push((hash, digest_of(data, hash)?));
        }
    }
    let stamps = StampAgainst {
        anchors: against.anchors.clone(),
        certificates: against.intermediates.clone(),
        crls: against.crls(),
        ocsps: against.ocsps.clone(),
        now: Some(against.at),
        ..StampAgainst::default()
    };
    let digest = |asked| digests.iter().find(|(hash, _)| *hash == asked).map(|(_, digest)| digest.clone());
    let links = verify(&record, digest, &stamps);
    let of = data.map_or_else(|| "?".to_owned(), |data| data.display().to_string());
    let name = format!("of {of}, {} time-stamps", links.len());
    let steps = links.into_iter().flat_map(|link| link.findings).map(Step::from).collect();
    Ok(Item::new(path, "evidence", name, steps))
}
