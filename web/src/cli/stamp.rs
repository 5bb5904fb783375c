//! `yinxin stamp`: time-stamps for files, from our authority or another's, checked before they are kept.

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use const_oid::ObjectIdentifier as Oid;
use crypto_pool::path::{Anchors, Cert};
use pki_config::time::SystemClock;
use pki_config::{Clock as _, Random as _};
use serde::Serialize;
use tokio::task::JoinSet;
use tsa::core::opened::OpenedToken;
use tsa::core::request::{Draft, Hash};
use tsa::core::verify::{Against, Outcome, Question, verify};

use crate::cli::args::{Global, Stamp, StampSource};
use crate::cli::console::Console;
use crate::cli::failure::{Failure, sentence};
use crate::cli::table::plain;
use crate::cli::verify::token::{ENDING, digest_of, must_hold, policy};
use crate::cli::{client, config, file, pem, trust};

/// How long an authority is waited for.
const PATIENCE: Duration = Duration::from_secs(20);
/// Largest answer. Unit: bytes.
const LARGEST: usize = 256 * 1024;
/// Requests under way at once: enough that the authority can sign many together.
const AT_ONCE: usize = 32;

/// One line of the answer.
#[derive(Debug, Serialize)]
struct Line {
    file: PathBuf,
    /// Where the time-stamp is; absent if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    serial: Option<String>,
    /// Whether the authority's root is believed here.
    trusted: bool,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// What all requests have in common.
pub(in crate::cli) struct Plan {
    url: String,
    hash: Hash,
    policy: Option<Oid>,
    anchors: Anchors,
    replace: bool,
}

/// Runs it.
///
/// # Errors
/// [`Failure::NotGood`] if a file got no time-stamp; the answer then says which and why.
pub async fn run(global: &Global, console: Console, args: Stamp) -> Result<(), Failure> {
    let plan = Arc::new(Plan { replace: args.replace, ..Plan::of(global, &args.source)? });
    let total = args.files.len();
    let mut waiting = args.files.into_iter().enumerate();
    let mut under_way = JoinSet::new();
    let mut lines: Vec<(usize, Line)> = Vec::with_capacity(total);
    let progress = !console.json && total > 1 && std::io::stderr().is_terminal();
    loop {
        while under_way.len() < AT_ONCE {
            let Some((place, path)) = waiting.next() else { break };
            let plan = Arc::clone(&plan);
            under_way.spawn(async move { (place, plan.stamp(path).await) });
        }
        let Some(done) = under_way.join_next().await else { break };
        if let Ok(done) = done {
            lines.push(done);
        }
        if progress {
            let last = if lines.len() == total { "\r\x1b[K" } else { "" };
            let _ = write!(std::io::stderr(), "\r{} / {total}\x1b[K{last}", lines.len());
        }
    }
    lines.sort_by_key(|(place, _)| *place);
    let lines: Vec<Line> = lines.into_iter().map(|(_, line)| line).collect();
    console.answer(&lines, || text(&lines))?;
    if lines.len() == total && lines.iter().all(|line| line.error.is_none()) { Ok(()) } else { Err(Failure::NotGood) }
}

fn text(lines: &[Line]) -> String {
    let mut out = String::new();
    for line in lines {
        let file = plain(&line.file.display().to_string());
        let told = match (&line.error, &line.token, &line.time, &line.serial) {
            (None, Some(token), Some(time), Some(serial)) => {
                let token = plain(&token.display().to_string());
                let doubt = if line.trusted { "" } else { "; its root is not believed here (`yinxin trust add`)" };
                format!("{token}, {time}, serial {serial}{doubt}")
            }
            (error, ..) => format!("NOT STAMPED: {}", plain(error.as_deref().unwrap_or("?"))),
        };
        out.push_str(&format!("{file}: {told}\n"));
    }
    out
}

impl Plan {
    /// As it was typed.
    ///
    /// # Errors
    /// The configuration or a root cannot be read, or the policy is no object identifier.
    pub(in crate::cli) fn of(global: &Global, args: &StampSource) -> Result<Self, Failure> {
        let url = match &args.url {
            Some(url) => url.clone(),
            None => format!("{}/tsa", config::load(global)?.0.public_url()),
        };
        let mut roots = Vec::new();
        for root in trust::believed(&global.data_dir())? {
            roots.extend(Cert::from_der_tolerant(&root.der));
        }
        for path in &args.root {
            for der in pem::certificates_in(path)? {
                roots.push(Cert::from_der_tolerant(&der).map_err(|why| Failure::here(&why))?);
            }
        }
        let policy = args.policy.as_deref().map(policy).transpose()?;
        Ok(Self { url, hash: args.hash.hash(), policy, anchors: Anchors::new(roots), replace: false })
    }

    /// The digest that is asked for.
    pub(in crate::cli) const fn hash(&self) -> Hash {
        self.hash
    }

    async fn stamp(&self, path: PathBuf) -> Line {
        let mut line = Line { file: path.clone(), token: None, time: None, serial: None, trusted: false, error: None };
        match self.get(&path).await {
            Ok((token, kept, trusted)) => {
                line.time = Some(token.info.time.to_string());
                line.serial = Some(token.serial_hex());
                line.token = Some(kept);
                line.trusted = trusted;
            }
            Err(failure) => line.error = Some(failure.to_text(crate::cli::language::Language::from_environment())),
        }
        line
    }

    async fn get(&self, path: &Path) -> Result<(OpenedToken, PathBuf, bool), Failure> {
        let kept = beside(path);
        // Asked first, so that no time-stamp is made that could not be kept; and again when it is written.
        if !self.replace && kept.exists() {
            return Err(Failure::Here(format!("{} exists already; --replace replaces it.", kept.display())));
        }
        let (path, hash) = (path.to_owned(), self.hash);
        let digest = tokio::task::spawn_blocking(move || digest_of(&path, hash));
        let digest = digest.await.map_err(|why| Failure::here(&why))??;
        let (token, body, trusted) = self.ask(self.hash, &digest).await?;
        if self.replace {
            file::replace(&kept, &body, file::PUBLIC)?;
        } else {
            file::put_new(&kept, &body, file::PUBLIC)?;
        }
        Ok((token, kept, trusted))
    }

    /// Gets a time-stamp for a digest and checks it: the token, the whole answer, and whether its root is believed.
    ///
    /// # Errors
    /// Nobody answers, or not with a time-stamp that is about this digest and can be checked.
    pub(in crate::cli) async fn ask(&self, hash: Hash, digest: &[u8]) -> Result<(OpenedToken, Bytes, bool), Failure> {
        let nonce = nonce()?;
        let ask = Draft { hash, digest, policy: self.policy, nonce: Some(&nonce), cert_req: true }.to_der();
        let (status, body) =
            client::post_plain(&self.url, "application/timestamp-query", ask, PATIENCE, LARGEST).await?;
        if !status.is_success() {
            return Err(Failure::Unreachable(format!("{} answers with HTTP status {}.", self.url, status.as_u16())));
        }
        let unfit =
            |why: &dyn std::fmt::Display| Failure::Here(sentence(&format!("{} gave no time-stamp: {why}", self.url)));
        let token = OpenedToken::from_der(&body).map_err(|why| unfit(&why))?;
        let against = Against {
            data_digest: Some(digest),
            anchors: self.anchors.clone(),
            policy: self.policy,
            nonce: Some(&nonce),
            now: Some(SystemClock.now()),
            ..Against::default()
        };
        if token.info.hash != Some(hash) {
            return Err(unfit(&"it is about another digest"));
        }
        let findings = verify(&token, &against);
        must_hold(&findings).map_err(|why| unfit(&why))?;
        let passed = |question| findings.iter().any(|one| one.check == question && one.result == Outcome::Pass);
        // A certificate that is neither in the token nor known here proves nothing to anybody later.
        if !passed(Question::Signature) {
            return Err(unfit(&"its signature cannot be checked"));
        }
        Ok((token, body, passed(Question::Chain)))
    }
}

/// `contract.pdf.tsr` for `contract.pdf`.
fn beside(path: &Path) -> PathBuf {
    with_ending(path, ENDING)
}

/// The path with one more ending.
pub(in crate::cli) fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}

/// The content octets of a positive INTEGER of 128 random bits.
fn nonce() -> Result<Vec<u8>, Failure> {
    let mut nonce = vec![0; 16];
    let random = crypto_pool::OsRandom::open().map_err(|e| Failure::here(&e))?;
    random.fill(&mut nonce).map_err(|e| Failure::here(&e))?;
    // Neither negative nor shorter than it could be written.
    nonce[0] = nonce[0] & 0x7f | 0x40;
    Ok(nonce)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_a_positive_integer_in_its_shortest_form_and_new_each_time() {
        let (one, other) = (nonce().unwrap(), nonce().unwrap());
        assert_eq!(one.len(), 16);
        assert!((0x40..0x80).contains(&one[0]));
        assert_ne!(one, other);
    }

    #[test]
    fn a_time_stamp_lies_beside_its_file() {
        assert_eq!(beside(Path::new("a/contract.pdf")), Path::new("a/contract.pdf.tsr"));
    }
}
